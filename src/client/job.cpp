#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>

#include "client/job_state.hpp"

namespace darkroom::client {
namespace {

/// Limit: events of a job that its follower has not read. Beyond: the oldest steps and previews are left out. Fixed: a later one says more;
/// the others are few. Edge: JobTest.LeavesOutOldStepsPastTheLimit.
constexpr std::size_t kMaxWaitingEvents = 4096;
/// Limit: previews of a job that its follower has not read. Beyond: the oldest is left out. Fixed: a later one says more; bounds the
/// memory. Edge: JobTest.LeavesOutOldPreviewsPastTheLimit.
constexpr std::size_t kMaxWaitingPreviews = 16;

template <class Kind>
bool drop_oldest(std::deque<JobEvent>& waiting) {
  for (auto at = waiting.begin(); at != waiting.end(); ++at)
    if (std::holds_alternative<Kind>(*at)) {
      waiting.erase(at);
      return true;
    }
  return false;
}

}  // namespace

void Job::State::push(std::vector<JobEvent> more) {
  if (more.empty()) return;
  waiting.insert(waiting.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  const auto previews = [&] {
    std::size_t count = 0;
    for (const auto& event : waiting) count += std::holds_alternative<PreviewImage>(event);
    return count;
  };
  if (waiting.size() > kMaxWaitingPreviews)
    for (auto count = previews(); count > kMaxWaitingPreviews; --count) drop_oldest<PreviewImage>(waiting);
  while (waiting.size() > kMaxWaitingEvents && (drop_oldest<NodeStep>(waiting) || drop_oldest<PreviewImage>(waiting))) {}
  arrived.cancel();
}

void Job::State::fail(std::exception_ptr why) {
  failure = std::move(why);
  arrived.cancel();
}

const std::string& Job::id() const { return state_->id; }
double Job::number() const { return state_->number; }
const json::object& Job::node_errors() const { return state_->node_errors; }

asio::awaitable<std::optional<JobEvent>> Job::next() {
  const auto state = state_;  // the handle may go meanwhile
  for (;;) {
    if (!state->waiting.empty()) {
      JobEvent event = std::move(state->waiting.front());
      state->waiting.pop_front();
      co_return event;
    }
    if (state->failure) std::rethrow_exception(state->failure);
    if (state->events.over()) co_return std::nullopt;
    boost::system::error_code woken;
    co_await state->arrived.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
}

asio::awaitable<JobEvent> Job::finished() {
  while (auto event = co_await next())
    if (is_end(*event)) co_return *event;
  throw InternalError("the end of the job was read before");
}

}  // namespace darkroom::client
