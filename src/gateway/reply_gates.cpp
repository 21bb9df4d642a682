#include "gateway/reply_gates.hpp"

namespace darkroom {

void ReplyGates::close(const std::string& job_id) {
  auto waiting = std::make_shared<Waiting>(io_);
  (*gates_)[job_id] = waiting;
  waiting->timer.expires_after(longest_);
  waiting->timer.async_wait([weak = std::weak_ptr(gates_), waiting, job_id](const boost::system::error_code& stopped) {
    const auto gates = weak.lock();
    if (gates && !stopped) open(*gates, job_id, waiting);
  });
}

std::function<void()> ReplyGates::opener(const std::string& job_id) const {
  return [weak = std::weak_ptr(gates_), job_id] {
    if (const auto gates = weak.lock()) open(*gates, job_id);
  };
}

void ReplyGates::open(Gates& gates, const std::string& job_id) {
  const auto found = gates.find(job_id);
  if (found == gates.end()) return;
  const auto waiting = found->second;
  open(gates, job_id, waiting);
}

void ReplyGates::open(Gates& gates, const std::string& job_id, const std::shared_ptr<Waiting>& waiting) {
  const auto found = gates.find(job_id);
  if (found != gates.end() && found->second == waiting) gates.erase(found);  // ids may repeat
  waiting->timer.cancel();
  waiting->gate.open();
}

std::shared_ptr<MessageGate> ReplyGates::of(const std::string& job_id) const {
  const auto found = gates_->find(job_id);
  if (found == gates_->end()) return std::make_shared<MessageGate>(true);
  return {found->second, &found->second->gate};
}

}  // namespace darkroom
