#include "gateway/job_voice.hpp"

#include <utility>

namespace darkroom {

void MessageGate::when_open(std::function<void()> send) {
  if (open_) send();
  else waiting_.push_back(std::move(send));
}

void MessageGate::open() {
  if (std::exchange(open_, true)) return;
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& send : waiting) send();
}

JobVoice::JobVoice(Hub& hub, std::string_view room, std::string client_id, bool has_client, std::shared_ptr<MessageGate> gate)
    : hub_(hub), room_(room), client_id_(std::move(client_id)), has_client_(has_client), gate_(std::move(gate)) {}

bool JobVoice::owner_listens() const { return has_client_ && (!gate_->is_open() || hub_.find(room_, client_id_)); }

bool JobVoice::owner_or_all_listen() const { return has_client_ ? owner_listens() : !gate_->is_open() || hub_.anybody_in(room_); }

bool JobVoice::owner_wants_metadata() const {
  const auto* session = has_client_ ? hub_.find(room_, client_id_) : nullptr;
  return session && session->supports_preview_metadata();
}

void JobVoice::to_owner(Frame frame) {
  if (has_client_) to_session(client_id_, std::move(frame));
}

void JobVoice::to_owner_or_all(Frame frame) {
  if (has_client_) to_session(client_id_, std::move(frame));
  else to_all(std::move(frame));
}

void JobVoice::to_all(Frame frame) {
  if (gate_->is_open()) hub_.broadcast(room_, frame);
  else gate_->when_open([&hub = hub_, room = room_, frame = std::move(frame)] { hub.broadcast(room, frame); });
}

void JobVoice::to_session(std::string sid, Frame frame) {
  if (gate_->is_open()) hub_.send(room_, sid, frame);
  else gate_->when_open([&hub = hub_, room = room_, sid = std::move(sid), frame = std::move(frame)] { hub.send(room, sid, frame); });
}

}  // namespace darkroom
