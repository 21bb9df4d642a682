#include "broker/fair_queue.hpp"

namespace darkroom {

FairLane& FairQueue::lane(int priority) {
  const auto [found, is_new] = lanes_.try_emplace(priority);
  if (is_new)
    for (const std::string& owner : resting_) found->second.rest(owner, true);
  return found->second;
}

void FairQueue::add(const QueueEntry& entry) {
  if (priorities_.emplace(entry.ticket, entry.priority).second) lane(entry.priority).add(entry);
}

bool FairQueue::remove(std::int64_t ticket) {
  const auto found = priorities_.find(ticket);
  if (found == priorities_.end()) return false;
  const auto in = lanes_.find(found->second);
  priorities_.erase(found);
  in->second.remove(ticket);
  if (in->first != 0 && in->second.size() == 0) lanes_.erase(in);
  return true;
}

std::optional<std::int64_t> FairQueue::next() const {
  for (const auto& [priority, lane] : lanes_)
    if (const auto ticket = lane.next()) return ticket;
  return std::nullopt;
}

std::optional<std::int64_t> FairQueue::take() {
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    const auto ticket = lane->second.take();
    if (!ticket) continue;
    priorities_.erase(*ticket);
    if (lane->first != 0 && lane->second.size() == 0) lanes_.erase(lane);
    return ticket;
  }
  return std::nullopt;
}

void FairQueue::rest(const std::string& owner, bool resting) {
  if (resting) resting_.insert(owner);
  else resting_.erase(owner);
  for (auto& [priority, lane] : lanes_) lane.rest(owner, resting);
}

std::vector<std::int64_t> FairQueue::order() const {
  std::vector<std::int64_t> tickets;
  tickets.reserve(size());
  for (const auto& [priority, lane] : lanes_) {
    const auto of_lane = lane.order();
    tickets.insert(tickets.end(), of_lane.begin(), of_lane.end());
  }
  return tickets;
}

}  // namespace darkroom
