#include "worker/job_context.hpp"

#include <algorithm>

namespace darkroom {

std::shared_ptr<void> SharedObjects::get(const std::string& key, const Make& make) {
  std::promise<std::shared_ptr<void>> promise;
  const auto mine = std::make_shared<Future>(promise.get_future().share());
  std::shared_ptr<Future> found;
  {
    const std::scoped_lock lock(mutex_);
    found = objects_.try_emplace(key, mine).first->second;
  }
  if (found != mine) return found->get();
  try {
    auto object = make();
    promise.set_value(object);
    return object;
  } catch (...) {
    promise.set_exception(std::current_exception());
    const std::scoped_lock lock(mutex_);
    // It may have been forgotten meanwhile, and another one be under way.
    if (const auto at = objects_.find(key); at != objects_.end() && at->second == mine) objects_.erase(at);
    throw;
  }
}

void SharedObjects::clear() {
  const std::scoped_lock lock(mutex_);
  objects_.clear();
}

void JobWorld::tell(JobEvent event) const {
  const std::scoped_lock lock(mutex_);
  if (!over_) sink_(std::move(event));
}

void JobWorld::end() {
  const std::scoped_lock lock(mutex_);
  over_ = true;
}

void JobContext::check() const {
  if (world_->interrupted()) throw Interrupted();
}

void JobContext::progress(std::int64_t value, std::int64_t max) { progress(value, max, "", ""); }

void JobContext::progress(std::int64_t value, std::int64_t max, std::string_view format, std::string picture) {
  check();
  NodeProgress event;
  event.node = node_id_;
  event.value = std::min(value, max);
  event.max = max;
  event.format = format;
  event.picture = std::move(picture);
  world_->tell(std::move(event));
}

void JobContext::text(std::string_view text) { world_->tell(TextSent{node_id_, std::string(text)}); }

void JobContext::send(std::string type, json::value data, Audience to) {
  MessageSent event;
  event.type = std::move(type);
  event.data = std::move(data);
  event.to_all = to.all, event.sid = std::move(to.sid);
  world_->tell(std::move(event));
}

void JobContext::send_binary(std::uint32_t event_number, std::string bytes, Audience to) {
  BinarySent event;
  event.event = event_number;
  event.bytes = std::move(bytes);
  event.to_all = to.all, event.sid = std::move(to.sid);
  world_->tell(std::move(event));
}

}  // namespace darkroom
