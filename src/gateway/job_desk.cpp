#include "gateway/job_desk.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <unordered_map>

#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/hub.hpp"
#include "gateway/job_messages.hpp"
#include "gateway/jobs_view.hpp"
#include "gateway/json_text.hpp"
#include "gateway/running_job.hpp"

namespace darkroom {
namespace {

/// Whose jobs: everybody's, as long as there is no auth.
const std::string kOwner = "local";

constexpr std::chrono::milliseconds kRetryStoring{1000};

std::shared_ptr<const std::string> shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

JobResult cancelled_before_start(const std::string& id) {
  const std::int64_t now = now_ms();
  JobResult result{.status = "error", .completed = false, .cancelled = true, .ended = now};
  result.messages.push_back(json::array{"execution_interrupted", job_messages::execution_interrupted(id, {"", "", {}, now})});
  return result;
}

}  // namespace

struct JobDesk::State : std::enable_shared_from_this<State> {
  /// One worker and what it has in hand.
  struct Seat {
    WorkerHandle* worker = nullptr;
    std::shared_ptr<RunningJob> job;  ///< until its end has been told
    bool leaving = false;             ///< it handed its job back: it gets no other
    bool is_free() const { return !job && !leaving; }
  };
  struct Gate {
    explicit Gate(const asio::any_io_executor& io) : timer(io) {}
    ReplyGate gate{false};
    asio::steady_timer timer;
  };

  State(asio::any_io_executor executor, Broker& jobs, Hub& sockets, std::function<void(WorkerListener)> listener, Times given)
      : io(executor), broker(jobs), hub(sockets), listen(std::move(listener)), times(given) {}

  asio::any_io_executor io;
  Broker& broker;
  Hub& hub;
  std::function<void(WorkerListener)> listen;
  Times times;
  std::map<int, Seat> seats;  ///< by worker id
  std::unordered_map<std::string, std::shared_ptr<Gate>> gates;
  std::shared_ptr<void> subscription;
  std::shared_ptr<const std::string> queue_body;  ///< null when the queue changed since
  std::uint64_t queue_version = 0;
  bool closed = false, dispatching = false, ticking = false;

  template <class Work>
  void spawn(Work work) {
    asio::co_spawn(io, std::move(work), [](std::exception_ptr fault) {
      try {
        if (fault) std::rethrow_exception(fault);
      } catch (const std::exception& error) {
        log::error("jobs: {}", error.what());
      }
    });
  }

  void say_status() { hub.broadcast(Frame::text(job_messages::status(broker.counts().total()))); }

  // -- the reply of POST /prompt comes first

  void make_gate(const std::string& id) {
    auto gate = std::make_shared<Gate>(io);
    gates[id] = gate;
    gate->timer.expires_after(times.reply);
    gate->timer.async_wait([weak = weak_from_this(), gate, id](const boost::system::error_code& stopped) {
      const auto self = weak.lock();
      if (!self || stopped) return;
      self->open_gate(id, gate);
    });
  }

  void open_gate(const std::string& id, const std::shared_ptr<Gate>& gate) {
    const auto found = gates.find(id);
    if (found != gates.end() && found->second == gate) gates.erase(found);
    gate->timer.cancel();
    gate->gate.open();
  }

  JobVoice voice_of(const Job& job) {
    const auto found = gates.find(job.id);
    auto gate = found == gates.end() ? std::make_shared<ReplyGate>(true) : std::shared_ptr<ReplyGate>(found->second, &found->second->gate);
    return JobVoice(hub, job.client_id, job.has_client, std::move(gate));
  }

  // -- handing out

  Seat* free_seat() {
    for (auto& [id, seat] : seats)
      if (seat.is_free()) return &seat;
    return nullptr;
  }

  void kick() {
    if (closed || dispatching || broker.counts().pending == 0 || !free_seat()) return;
    dispatching = true;
    spawn(dispatch(shared_from_this()));
  }

  static asio::awaitable<void> dispatch(std::shared_ptr<State> self) {
    struct Done {
      State& state;
      ~Done() { state.dispatching = false; }
    } done{*self};
    while (!self->closed && self->free_seat()) {
      std::optional<ClaimedJob> claimed = co_await self->broker.claim(self->times.lease);
      if (!claimed) break;
      Seat* seat = self->closed ? nullptr : self->free_seat();
      if (seat) self->begin(*seat, std::move(*claimed));
      else co_await self->broker.hand_back(claimed->claim);
    }
  }

  void begin(Seat& seat, ClaimedJob claimed) {
    JobVoice voice = voice_of(claimed.job);
    if (claimed.losses > 0) log::info("job {} runs again (attempt {})", claimed.job.id, claimed.claim.attempt);
    seat.job = std::make_shared<RunningJob>(io, std::move(claimed), std::move(voice));
    seat.job->voice().later([this] { say_status(); });
    seat.worker->send(seat.job->run_record());
    start_ticking();
  }

  // -- what workers say

  WorkerListener listener() {
    return {[this](WorkerHandle& worker) { on_ready(worker); },
            [this](WorkerHandle& worker, Record record) { on_record(worker, std::move(record)); },
            [this](WorkerHandle& worker, LostReason reason) { on_lost(worker, reason); }};
  }

  void on_ready(WorkerHandle& worker) {
    seats[worker.id()] = {.worker = &worker};
    kick();
  }

  void on_record(WorkerHandle& worker, Record record) {
    if (record.kind == "event") {
      broker.publish(record);
    } else if (record.kind == "handed_back") {
      const auto found = seats.find(worker.id());
      if (found == seats.end()) return;
      found->second.leaving = true;
      const auto job = found->second.job;
      if (!job || job->has_ended() || job->id() != string_or(record.data, "job", "")) return;
      found->second.job = nullptr;
      spawn(hand_back(shared_from_this(), job));
    }
  }

  static asio::awaitable<void> hand_back(std::shared_ptr<State> self, std::shared_ptr<RunningJob> job) {
    co_await self->broker.hand_back(job->claim());
    self->kick();
  }

  void on_event(const Record& record) {
    const std::string id = string_or(record.data, "job", "");
    const auto attempt = static_cast<int>(int_or(record.data, "attempt", 0));
    for (auto& [worker, seat] : seats) {
      if (!seat.job || seat.job->id() != id || seat.job->claim().attempt != attempt || seat.job->has_ended()) continue;
      try {
        seat.job->apply(event_of(record));
      } catch (const Error& error) {
        log::error("worker {}: {}", worker, error.what());
      }
      if (seat.job->has_ended()) spawn(finish(shared_from_this(), seat.job, worker));
      return;
    }
  }

  void on_lost(WorkerHandle& worker, LostReason reason) {
    const auto found = seats.find(worker.id());
    if (found == seats.end()) return;
    const auto job = found->second.job;
    const int id = found->first;
    seats.erase(found);
    if (!job || job->has_ended()) return;
    spawn(lose(shared_from_this(), job, id, reason));
  }

  /// What becomes of the job of a worker that is gone (DESIGN §9).
  static asio::awaitable<void> lose(std::shared_ptr<State> self, std::shared_ptr<RunningJob> job, int worker, LostReason reason) {
    if (reason == LostReason::kStopped) {
      co_await self->broker.hand_back(job->claim());
      co_return;
    }
    if (reason == LostReason::kCancelled || job->kill_at) {
      job->end_as_interrupted();
    } else if (reason == LostReason::kMemory) {
      job->end_as_lost("The worker used more memory than its limit (--ram) and was stopped.");
    } else {
      const Broker::Lost lost = co_await self->broker.lose(job->claim());
      if (lost == Broker::Lost::kPending) {
        job->announce_start();
        self->kick();
      }
      if (lost != Broker::Lost::kExhausted) co_return;
      job->end_as_lost(reason == LostReason::kSilent ? "The worker that ran this node stopped answering and was ended, again."
                                                     : "The worker that ran this node ended unexpectedly, again.");
    }
    co_await finish(self, job, worker);
  }

  // -- the end: into the history and out of the queue, then `status`, then `executing` null

  static asio::awaitable<void> finish(std::shared_ptr<State> self, std::shared_ptr<RunningJob> job, int worker) {
    const JobResult result = job->take_result();
    bool stored = false, told = false;
    while (!told) {
      std::string fault;
      try {
        stored = co_await self->broker.finish(job->claim(), result);
        told = true;
      } catch (const Error& error) {
        fault = error.what();
      }
      if (told) break;
      log::error("the result of job {} can't be stored yet: {}", job->id(), fault);
      asio::steady_timer pause(self->io, kRetryStoring);
      boost::system::error_code ignored;
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      if (self->closed) co_return;
    }
    if (stored) {
      job->voice().later([self] { self->say_status(); });
      job->say_end();
    }
    const auto seat = self->seats.find(worker);
    if (seat != self->seats.end() && seat->second.job == job) seat->second.job = nullptr;
    self->kick();
  }

  // -- now and then: leases, grace times, silent nodes

  void start_ticking() {
    if (std::exchange(ticking, true)) return;
    spawn(tick(shared_from_this()));
  }

  bool any_job() const {
    for (const auto& [id, seat] : seats)
      if (seat.job) return true;
    return false;
  }

  static asio::awaitable<void> tick(std::shared_ptr<State> self) {
    asio::steady_timer timer(self->io);
    while (self->any_job()) {
      timer.expires_after(self->times.tick);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      const auto now = RunningJob::Clock::now();
      std::vector<std::shared_ptr<RunningJob>> jobs;
      for (const auto& [id, seat] : self->seats) {
        if (!seat.job || seat.job->has_ended()) continue;
        jobs.push_back(seat.job);
        seat.job->tick(now);
        if (seat.job->kill_at && *seat.job->kill_at <= now) {
          log::warn("job {} did not end within {} s of its cancel: its worker is killed", seat.job->id(), self->times.grace.count() / 1000.0);
          seat.worker->kill(LostReason::kCancelled);
          break;  // it may have changed the seats
        }
      }
      for (const auto& job : jobs) co_await self->broker.extend(job->claim(), self->times.lease);
      co_await self->end_expired();
    }
    self->ticking = false;
  }

  /// Jobs that lost their workers too often elsewhere than here.
  asio::awaitable<void> end_expired() {
    const std::vector<Claim> exhausted = co_await broker.expire_leases();
    for (const Claim& claim : exhausted) {
      const std::int64_t now = now_ms();
      JobResult result{.status = "error", .completed = false, .ended = now};
      result.messages.push_back(json::array{"execution_error", json::object{{"exception_type", "WorkerLost"},
                                                                             {"exception_message", "Its workers stopped answering.\n"},
                                                                             {"timestamp", now}}});
      co_await broker.finish(claim, std::move(result));
      say_status();
    }
    kick();
  }

  bool interrupt(const std::optional<std::string>& id) {
    bool hit = false;
    for (auto& [worker, seat] : seats) {
      if (!seat.job || seat.job->has_ended() || (id && seat.job->id() != *id)) continue;
      hit = true;
      if (!seat.job->kill_at) seat.job->kill_at = RunningJob::Clock::now() + times.grace;
      seat.worker->send({"cancel", {{"job", seat.job->id()}}, {}});
    }
    return hit;
  }
};

JobDesk::JobDesk(asio::any_io_executor io, Broker& broker, Hub& hub, std::function<void(WorkerListener)> listen, Times times)
    : state_(std::make_shared<State>(io, broker, hub, std::move(listen), times)) {}

JobDesk::JobDesk(asio::any_io_executor io, const Options&, Broker& broker, Hub& hub, WorkerPool& workers, SchemaStore&, BlockingPool&)
    : JobDesk(io, broker, hub, [&workers](WorkerListener listener) { workers.listen(std::move(listener)); }, Times{}) {}

JobDesk::~JobDesk() { state_->closed = true; }

asio::awaitable<void> JobDesk::start() {
  State& state = *state_;
  state.broker.on_change([weak = std::weak_ptr(state_)] {
    if (const auto self = weak.lock()) {
      self->queue_body.reset();
      ++self->queue_version;
    }
  });
  state.subscription = state.broker.subscribe([&state](const Record& record) { state.on_event(record); });
  state.listen(state.listener());
  const QueueCounts waiting = state.broker.counts();
  if (waiting.pending > 0) log::info("{} jobs wait since the last time", waiting.pending);
  co_return;
}

void JobDesk::close() { state_->closed = true; }

json::value JobDesk::next_number() { return state_->broker.next_number(); }

json::value JobDesk::front_number() { return -state_->broker.next_number(); }

asio::awaitable<void> JobDesk::submit(Job job) {
  State& state = *state_;
  if (state.closed) throw Unavailable("The server is stopping");
  const std::string id = job.id;
  co_await state.broker.submit(std::move(job));
  state.make_gate(id);
  state.say_status();
  state.kick();
}

void JobDesk::reply_written(const std::string& job_id) {
  const auto found = state_->gates.find(job_id);
  if (found == state_->gates.end()) return;
  const auto gate = found->second;
  state_->open_gate(job_id, gate);
}

std::size_t JobDesk::queue_remaining() const { return state_->broker.counts().total(); }

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::queue_json() {
  State& state = *state_;
  if (state.queue_body) co_return state.queue_body;
  const std::uint64_t version = state.queue_version;
  const QueueView view = co_await state.broker.queue(kOwner);
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
  if (version == state.queue_version) state.queue_body = made;
  co_return made;
}

asio::awaitable<void> JobDesk::delete_pending(std::vector<std::string> ids) {
  const std::size_t deleted = co_await state_->broker.delete_pending(kOwner, std::move(ids));
  if (deleted > 0) state_->say_status();
}

asio::awaitable<void> JobDesk::clear_pending() {
  co_await state_->broker.clear_pending(kOwner);
  state_->say_status();
}

void JobDesk::interrupt(const std::optional<std::string>& job_id) { state_->interrupt(job_id); }

asio::awaitable<bool> JobDesk::cancel(std::string job_id) {
  State& state = *state_;
  const bool waited = co_await state.broker.cancel_pending(kOwner, job_id, cancelled_before_start(job_id));
  if (waited) {
    state.say_status();
    co_return true;
  }
  co_return state.interrupt(job_id);
}

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::history_json(std::optional<std::int64_t> max_items, std::int64_t offset) {
  const auto entries = co_await state_->broker.history(kOwner, max_items, offset);
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

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::history_json_of(std::string job_id) {
  const auto entry = co_await state_->broker.history_of(kOwner, std::move(job_id));
  std::string body = "{";
  if (entry) {
    append_text(body, entry->id);
    body += ':';
    entry->append_entry(body);
  }
  body += '}';
  co_return shared(std::move(body));
}

asio::awaitable<void> JobDesk::delete_history(std::vector<std::string> ids) {
  co_await state_->broker.delete_history(kOwner, std::move(ids));
}

asio::awaitable<void> JobDesk::clear_history() { co_await state_->broker.clear_history(kOwner); }

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::jobs_json(JobsFilter filter) {
  const JobsPage page = co_await state_->broker.jobs(kOwner, filter);
  co_return shared(jobs_view::page(page, filter));
}

asio::awaitable<std::shared_ptr<const std::string>> JobDesk::job_json(std::string job_id) {
  // Queue first: a job that moves meanwhile is then found in the history.
  const QueueView view = co_await state_->broker.queue(kOwner);
  for (const auto& job : view.running)
    if (job->id == job_id) co_return shared(jobs_view::queued(*job, "in_progress"));
  for (const auto& job : view.pending)
    if (job->id == job_id) co_return shared(jobs_view::queued(*job, "pending"));
  const auto entry = co_await state_->broker.history_of(kOwner, job_id);
  if (!entry) co_return nullptr;
  co_return shared(jobs_view::finished(*entry));
}

void JobDesk::greet(HubSession& session) {
  session.send(Frame::text(job_messages::status(queue_remaining(), &session.client_id())));
  for (const auto& [id, seat] : state_->seats)
    if (seat.job) seat.job->greet(session);
}

}  // namespace darkroom
