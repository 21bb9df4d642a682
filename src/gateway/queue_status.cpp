#include "gateway/queue_status.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "broker/broker.hpp"
#include "gateway/job_messages.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

/// A handler that does nothing once this is gone.
template <class Handler>
auto QueueStatus::while_alive(Handler handler) {
  return [weak = weak_from_this(), handler](const boost::system::error_code& stopped = {}) {
    const auto self = weak.lock();
    if (self && !stopped) handler();
  };
}

std::size_t QueueStatus::remaining(std::string_view owner) const {
  return room_of(owner) == kLocalUser ? broker_.counts().total() : broker_.counts_of(owner).total();
}

Frame QueueStatus::frame_of(std::string_view room) const { return Frame::text(job_messages::status(remaining(room))); }

void QueueStatus::changed() {
  due_ = true;
  if (!waiting_ && place_ == 0) begin();
}

void QueueStatus::ended(std::string_view room, const std::string& client_id) {
  changed();
  if (due_ || place_ > 0) hub_.send(room, client_id, frame_of(room));
}

/// A round through all sockets, now or when it is time for one.
void QueueStatus::begin() {
  const auto now = Clock::now(), earliest = next_ - (kBurst - 1) * kInterval;
  if (earliest <= now) {
    next_ = std::max(next_, now) + kInterval;
    due_ = false;
    place_ = hub_.size();
    return go_on();
  }
  waiting_ = true;
  timer_.expires_at(earliest);
  timer_.async_wait(while_alive([this] {
    waiting_ = false;
    begin();
  }));
}

void QueueStatus::go_on() {
  std::string_view made_for;
  Frame frame;
  place_ = hub_.broadcast_before(place_, kPiece, [&](std::string_view room) {
    if (!frame.payload || room != made_for) frame = frame_of(room);
    made_for = room;
    return frame;
  });
  if (place_ > 0) asio::post(timer_.get_executor(), while_alive([this] { go_on(); }));
  else if (due_) begin();
}

}  // namespace darkroom
