#include "gateway/job_desk.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/dispatcher.hpp"
#include "gateway/hub.hpp"
#include "gateway/job_estimates.hpp"
#include "gateway/job_messages.hpp"
#include "gateway/jobs_view.hpp"
#include "gateway/json_text.hpp"
#include "gateway/metrics.hpp"
#include "gateway/options.hpp"
#include "gateway/queue_status.hpp"
#include "gateway/reply_gates.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const std::string> shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

JobResult cancelled_before_start(const std::string& id) {
  const std::int64_t now = now_ms();
  JobResult result{.status = "error", .completed = false, .cancelled = true, .ended = now};
  result.messages.push_back(json::array{"execution_interrupted", job_messages::execution_interrupted(id, {"", "", {}, now})});
  return result;
}

}  // namespace

struct JobDesk::State {
  State(asio::any_io_executor io, Broker& jobs, Hub& sockets, std::function<void(WorkerListener)> listener, JobTimes times)
      : broker(jobs),
        hub(sockets),
        listen(std::move(listener)),
        status(std::make_shared<QueueStatus>(io, broker, hub)),
        gates(io, times.reply),
        dispatcher(std::make_shared<Dispatcher>(io, broker, hub, status, gates, times)) {}

  Broker& broker;
  Hub& hub;
  std::function<void(WorkerListener)> listen;
  std::shared_ptr<QueueStatus> status;
  ReplyGates gates;
  std::shared_ptr<Dispatcher> dispatcher;
  std::shared_ptr<void> subscription;
  std::unordered_map<std::string, std::shared_ptr<const std::string>> queue_bodies;  ///< by owner, made since the queue changed last
  std::uint64_t queue_version = 0;
  std::function<std::function<void()>(const Job&)> on_submit;
  Metrics* metrics = nullptr;
  JobEstimates estimates;
  std::function<void(const std::string&, double)> on_ran;
  bool closed = false;

  /// Of jobs that waited.
  void count_cancelled(std::size_t count) {
    if (metrics) metrics->jobs_cancelled_waiting(count);
  }
};

JobDesk::JobDesk(asio::any_io_executor io, Broker& broker, Hub& hub, std::function<void(WorkerListener)> listen, Times times)
    : state_(std::make_shared<State>(io, broker, hub, std::move(listen), times)) {}

JobDesk::JobDesk(asio::any_io_executor io, const Options& options, Broker& broker, Hub& hub, WorkerPool& workers)
    : JobDesk(io, broker, hub, [&workers](WorkerListener listener) { workers.listen(std::move(listener)); },
              {.grace = std::chrono::milliseconds(static_cast<std::int64_t>(options.cancel_grace_s * 1000)),
               .longest = std::chrono::milliseconds(static_cast<std::int64_t>(options.job_timeout_s * 1000))}) {}

JobDesk::~JobDesk() { close(); }

asio::awaitable<void> JobDesk::start() {
  State& state = *state_;
  state.broker.on_change([weak = std::weak_ptr(state_)] {
    if (const auto self = weak.lock()) {
      self->queue_bodies.clear();
      ++self->queue_version;
    }
  });
  state.subscription = state.broker.subscribe([&state](const Record& record) { state.dispatcher->on_event(record); });
  state.dispatcher->ran = [&state](const std::string& owner, double seconds) {
    state.estimates.ran(seconds);
    if (state.on_ran) state.on_ran(owner, seconds);
  };
  state.dispatcher->answer = [this](std::string owner, json::object question) { return answer(std::move(owner), std::move(question)); };
  state.listen(state.dispatcher->listener());
  const QueueCounts waiting = state.broker.counts();
  if (waiting.pending > 0) log::info("{} jobs wait since the last time", waiting.pending);
  co_return;
}

void JobDesk::count_in(Metrics& metrics) {
  state_->metrics = &metrics;
  state_->dispatcher->metrics = &metrics;
}

void JobDesk::on_ran(std::function<void(const std::string&, double)> listener) { state_->on_ran = std::move(listener); }

QueueCounts JobDesk::counts() const { return state_->broker.counts(); }

void JobDesk::close() {
  state_->closed = true;
  state_->dispatcher->answer = nullptr;
  state_->dispatcher->ran = nullptr;
  state_->dispatcher->close();
}

json::value JobDesk::next_number() { return state_->broker.next_number(); }

json::value JobDesk::front_number() { return -state_->broker.next_number(); }

asio::awaitable<void> JobDesk::submit(Job job, std::optional<SubmissionKey> key) {
  State& state = *state_;
  if (state.closed) throw Unavailable("The server is stopping");
  const std::string id = job.id;
  const std::function<void()> then = state.on_submit ? state.on_submit(job) : std::function<void()>();
  co_await state.broker.submit(std::move(job), std::move(key));
  if (then) then();
  if (state.metrics) state.metrics->job_accepted();
  state.gates.close(id);
  state.status->changed();
  state.dispatcher->kick();
}

asio::awaitable<std::optional<KeyUse>> JobDesk::key_use(std::string owner, SubmissionKey key) {
  co_return co_await state_->broker.key_use(std::move(owner), std::move(key.scope), std::move(key.key));
}

void JobDesk::on_submit(std::function<std::function<void()>(const Job&)> listener) { state_->on_submit = std::move(listener); }

std::function<void(bool)> JobDesk::when_replied(const std::string& job_id) const {
  return [open = state_->gates.opener(job_id)](bool) { open(); };
}

std::size_t JobDesk::queue_remaining(const std::string& owner) const { return state_->status->remaining(owner); }

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::answer(std::string owner, json::object question) {
  const std::string what = string_or(question, "what", ""), prompt = string_or(question, "prompt", "");
  if (what == "queue") co_return co_await queue_json(std::move(owner));
  if (what == "history" && !prompt.empty()) co_return co_await history_json_of(std::move(owner), prompt);
  if (what == "history") co_return co_await history_json(std::move(owner), std::nullopt, -1);
  co_return nullptr;
}

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::queue_json(std::string owner) {
  State& state = *state_;
  co_await Dispatcher::told_beginnings(state.dispatcher);
  if (const auto made = state.queue_bodies.find(owner); made != state.queue_bodies.end()) co_return made->second;
  const std::uint64_t version = state.queue_version;
  const QueueView view = co_await state.broker.queue(owner);
  std::string body;
  const auto append = [&](const auto& list) {
    bool first = true;
    for (const auto& job : list) {
      if (!std::exchange(first, false)) body += ',';
      job->append_tuple(body);
    }
  };
  body += "{\"queue_running\":[";
  append(view.running);
  body += "],\"queue_pending\":[";
  append(view.pending);
  body += "]}";
  auto made = shared(std::move(body));
  if (version == state.queue_version) state.queue_bodies[owner] = made;
  co_return made;
}

asio::awaitable<void> JobDesk::delete_pending(std::string owner, std::vector<std::string> ids) {
  const std::size_t deleted = co_await state_->broker.delete_pending(std::move(owner), std::move(ids));
  state_->count_cancelled(deleted);
  if (deleted > 0) state_->status->changed();
}

asio::awaitable<void> JobDesk::clear_pending(std::string owner) {
  state_->count_cancelled(co_await state_->broker.clear_pending(std::move(owner)));
  state_->status->changed();
}

std::shared_ptr<JobEvents> JobDesk::events_of(const std::string& owner, const std::string& job_id) const {
  return state_->dispatcher->events_of(owner, job_id);
}

std::optional<double> JobDesk::estimated_wait(std::int64_t position) const {
  const Dispatcher& dispatcher = *state_->dispatcher;
  return state_->estimates.until_start(position, dispatcher.running_seconds(), dispatcher.workers());
}

Broker& JobDesk::broker() { return state_->broker; }

void JobDesk::interrupt(const std::string& owner, const std::optional<std::string>& job_id) { state_->dispatcher->interrupt(owner, job_id); }

asio::awaitable<bool> JobDesk::cancel(std::string owner, std::string job_id) {
  State& state = *state_;
  const bool waited = co_await state.broker.cancel_pending(owner, job_id, cancelled_before_start(job_id));
  if (waited) {
    state.count_cancelled(1);
    state.status->changed();
    co_return true;
  }
  co_return state.dispatcher->interrupt(owner, job_id);
}

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::history_json(std::string owner, std::optional<std::int64_t> max_items, std::int64_t offset) {
  const auto entries = co_await state_->broker.history(std::move(owner), max_items, offset);
  std::string body = "{";
  for (const HistoryEntry& entry : entries) {
    if (body.size() > 1) body += ',';
    append_text(body, entry.id);
    body += ':';
    entry.append_entry(body);
  }
  body += '}';
  co_return shared(std::move(body));
}

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::history_json_of(std::string owner, std::string job_id) {
  const auto entry = co_await state_->broker.history_of(std::move(owner), std::move(job_id));
  std::string body = "{";
  if (entry) {
    append_text(body, entry->id);
    body += ':';
    entry->append_entry(body);
  }
  body += '}';
  co_return shared(std::move(body));
}

asio::awaitable<void> JobDesk::delete_history(std::string owner, std::vector<std::string> ids) {
  co_await state_->broker.delete_history(std::move(owner), std::move(ids));
}

asio::awaitable<void> JobDesk::clear_history(std::string owner) { co_await state_->broker.clear_history(std::move(owner)); }

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::jobs_json(std::string owner, JobsFilter filter) {
  const JobsPage page = co_await state_->broker.jobs(std::move(owner), filter);
  co_return shared(jobs_view::page(page, filter));
}

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::job_json(std::string owner, std::string job_id, bool place) {
  // Queue first: a job that moves meanwhile is then found in the history.
  if (const auto queued = state_->broker.queued(owner, job_id)) {
    const QueuedJob& job = *queued->job;
    if (queued->running) co_return shared(jobs_view::queued(job, "in_progress"));
    const auto position = place ? state_->broker.position(job.ticket) : std::nullopt;
    co_return shared(position ? jobs_view::waiting(job, *position, estimated_wait(*position)) : jobs_view::queued(job, "pending"));
  }
  const auto entry = co_await state_->broker.history_of(owner, job_id);
  if (!entry) co_return nullptr;
  co_return shared(jobs_view::finished(*entry));
}

void JobDesk::greet(HubSession& session) {
  session.send(Frame::text(job_messages::status(queue_remaining(session.handshake().owner), &session.client_id())));
  state_->dispatcher->greet(session);
}

}  // namespace darkroom
