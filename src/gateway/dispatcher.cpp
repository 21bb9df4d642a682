#include "gateway/dispatcher.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/hub.hpp"
#include "gateway/job_messages.hpp"
#include "gateway/metrics.hpp"
#include "gateway/queue_status.hpp"
#include "gateway/reply_gates.hpp"
#include "gateway/running_job.hpp"
#include "storage/user_room.hpp"

namespace darkroom {
namespace {

constexpr std::chrono::milliseconds kRetryStoring{1000};

const char* word_of(LostReason reason) {
  switch (reason) {
    case LostReason::kCrashed: return "crashed";
    case LostReason::kMemory: return "memory";
    case LostReason::kSilent: return "silent";
    case LostReason::kCancelled: return "cancelled";
    case LostReason::kStopped: break;
  }
  return "stopped";
}

}  // namespace

Dispatcher::Dispatcher(asio::any_io_executor io, Broker& broker, Hub& hub, std::shared_ptr<QueueStatus> status, ReplyGates& gates,
                       JobTimes times)
    : io_(std::move(io)), broker_(broker), hub_(hub), status_(std::move(status)), gates_(gates), times_(times) {}

Dispatcher::~Dispatcher() = default;

template <class Work>
void Dispatcher::spawn(Work work) {
  asio::co_spawn(io_, std::move(work), [](std::exception_ptr fault) {
    try {
      if (fault) std::rethrow_exception(fault);
    } catch (const std::exception& error) {
      log::error("jobs: {}", error.what());
    }
  });
}

void Dispatcher::greet(HubSession& session) {
  for (const auto& [id, seat] : seats_)
    if (seat.job) seat.job->greet(session);
}

// -- handing out

Dispatcher::Seat* Dispatcher::free_seat() {
  if (ending_.size() >= kMaxEnding) return nullptr;
  for (auto& [id, seat] : seats_)
    if (seat.is_free()) return &seat;
  return nullptr;
}

void Dispatcher::kick() {
  if (closed_ || dispatching_ || broker_.counts().pending == 0 || !free_seat()) return;
  dispatching_ = true;
  spawn(dispatch(shared_from_this()));
}

asio::awaitable<void> Dispatcher::dispatch(Self self) {
  struct Done {
    Dispatcher& dispatcher;
    ~Done() {
      dispatcher.dispatching_ = false;
      dispatcher.wake_readers();
    }
  } done{*self};
  while (!self->closed_ && self->free_seat()) {
    std::optional<ClaimedJob> claimed = co_await self->broker_.claim(self->times_.lease);
    if (!claimed) break;
    Seat* seat = self->closed_ ? nullptr : self->free_seat();
    if (seat) self->begin(*seat, std::move(*claimed));
    else co_await self->broker_.hand_back(claimed->claim);
  }
}

void Dispatcher::begin(Seat& seat, ClaimedJob claimed) {
  const auto turn = seat.told ? seat.told : std::make_shared<MessageGate>(true);
  JobVoice voice(hub_, room_of(claimed.job.owner), claimed.job.client_id, claimed.job.has_client, gate_of(claimed.job.id, *turn));
  if (claimed.losses > 0) log::info("job {} runs again (attempt {})", claimed.job.id, claimed.claim.attempt);
  seat.job = std::make_shared<RunningJob>(io_, std::move(claimed), std::move(voice), turn);
  seat.told = seat.job->told();
  seat.job->metrics = metrics;
  if (const auto longest = longest_of(*seat.job); longest.count() > 0) seat.job->due = RunningJob::Clock::now() + longest;
  seat.job->voice().later([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->status_->changed();
    self->wake_readers();
  });
  seat.worker->send(seat.job->run_record());
  start_ticking();
}

/// What its messages have to pass: its worker's last job has told its end, and the reply to its own POST /prompt is out.
std::shared_ptr<MessageGate> Dispatcher::gate_of(const std::string& job_id, MessageGate& turn) {
  const auto reply = gates_.of(job_id);
  if (turn.is_open()) return reply;
  const auto both = std::make_shared<MessageGate>(false);
  turn.when_open([reply, both] { reply->when_open([both] { both->open(); }); });
  return both;
}

/// How long it may run: what its sender asked for, within what the server allows. 0: any time.
std::chrono::milliseconds Dispatcher::longest_of(const RunningJob& job) const {
  const std::chrono::milliseconds wanted = std::chrono::seconds(job.timeout_s());
  if (wanted.count() == 0 || times_.longest.count() == 0) return std::max(wanted, times_.longest);
  return std::min(wanted, times_.longest);
}

// -- what workers say

WorkerListener Dispatcher::listener() {
  return {[this](WorkerHandle& worker) { on_ready(worker); },
          [this](WorkerHandle& worker, Record record) { on_record(worker, std::move(record)); },
          [this](WorkerHandle& worker, LostReason reason) { on_lost(worker, reason); }};
}

void Dispatcher::on_ready(WorkerHandle& worker) {
  seats_[worker.id()] = {.worker = &worker};
  kick();
}

void Dispatcher::on_record(WorkerHandle& worker, Record record) {
  if (record.kind == "event") {
    // Prompt ids are chosen by clients: those of two users may be the same.
    if (const auto seat = seats_.find(worker.id()); seat != seats_.end() && seat->second.job && seat->second.job->owner() != kLocalUser)
      record.data["owner"] = seat->second.job->owner();
    broker_.publish(record);
  } else if (record.kind == "message" || record.kind == "binary") {
    say(record);
  } else if (record.kind == "question") {
    spawn(reply(shared_from_this(), worker.id(), std::move(record.data)));
  } else if (record.kind == "handed_back") {
    const auto found = seats_.find(worker.id());
    if (found == seats_.end()) return;
    found->second.leaving = true;
    const auto job = found->second.job;
    if (!job || job->id() != string_or(record.data, "job", "")) return;
    found->second.job = nullptr;
    if (job->kill_at) spawn(lose(shared_from_this(), job, LostReason::kCancelled));  // it was not to run any more
    else spawn(hand_back(shared_from_this(), job));
  }
}

/// What a pack says outside of any job: out of a handler of its routes, or a thread of its own.
void Dispatcher::say(const Record& record) {
  Frame frame;
  if (record.kind == "binary") {
    frame = Frame::bytes(job_messages::binary(static_cast<std::uint32_t>(int_or(record.data, "number", 0)), record.bytes));
  } else {
    const auto* data = find(record.data, "data");
    frame = Frame::text(job_messages::wrap(string_or(record.data, "type", ""), data ? dump(*data) : "null"));
  }
  const auto sid = find_string(record.data, "sid");
  if (!sid) return hub_.broadcast(frame);
  // The pack knows a socket by its id alone.
  hub_.each_room([&](const std::string& room) { hub_.send(room, *sid, frame); });
}

asio::awaitable<void> Dispatcher::reply(Self self, int worker, json::object question) {
  std::string text;
  const std::int64_t id = int_or(question, "id", 0);
  const auto asking = self->seats_.find(worker);
  const bool outside = bool_or(question, "outside", false);  // of a job: a handler of a route, which anybody may have called
  std::string owner(!outside && asking != self->seats_.end() && asking->second.job ? asking->second.job->owner() : kLocalUser);
  if (self->answer)
    if (const auto answer = co_await self->answer(std::move(owner), std::move(question))) text = *answer;
  // The worker may be gone meanwhile.
  if (const auto seat = self->seats_.find(worker); seat != self->seats_.end()) seat->second.worker->send({"reply", {{"id", id}, {"result", std::move(text)}}, {}});
}

asio::awaitable<void> Dispatcher::hand_back(Self self, JobPtr job) {
  co_await self->broker_.hand_back(job->claim());
  self->kick();
}

void Dispatcher::on_event(const Record& record) {
  const std::string id = string_or(record.data, "job", ""), owner = string_or(record.data, "owner", kLocalUser);
  const auto attempt = static_cast<int>(int_or(record.data, "attempt", 0));
  for (auto& [worker, seat] : seats_) {
    if (!seat.job || seat.job->id() != id || seat.job->owner() != owner || seat.job->claim().attempt != attempt) continue;
    try {
      seat.job->apply(event_of(record));
    } catch (const Error& error) {
      log::error("worker {}: {}", worker, error.what());
    }
    if (seat.job->has_ended()) {
      ending_.push_back(seat.job);
      spawn(finish(shared_from_this(), std::exchange(seat.job, nullptr)));
      kick();
    }
    wake_readers();
    return;
  }
}

void Dispatcher::on_lost(WorkerHandle& worker, LostReason reason) {
  if (metrics && reason != LostReason::kStopped) metrics->worker_lost(word_of(reason));
  const auto found = seats_.find(worker.id());
  if (found == seats_.end()) return;
  const auto job = found->second.job;
  seats_.erase(found);
  if (!job) return;
  spawn(lose(shared_from_this(), job, reason));
}

/// What becomes of the job of a worker that is gone (DESIGN §9).
asio::awaitable<void> Dispatcher::lose(Self self, JobPtr job, LostReason reason) {
  if (reason == LostReason::kStopped && !job->kill_at) {
    co_await self->broker_.hand_back(job->claim());
    self->kick();
    co_return;
  }
  if (reason == LostReason::kCancelled || job->kill_at) {
    job->end_as_interrupted();
  } else if (reason == LostReason::kMemory) {
    job->end_as_lost("The worker used more memory than its limit (--ram) and was stopped.");
  } else {
    const Broker::Lost lost = co_await self->broker_.lose(job->claim());
    if (lost == Broker::Lost::kPending) {
      job->announce_start();
      self->kick();
    }
    if (lost != Broker::Lost::kExhausted) co_return;
    job->end_as_lost(reason == LostReason::kSilent ? "The worker that ran this node stopped answering and was ended, again."
                                                   : "The worker that ran this node ended unexpectedly, again.");
  }
  self->ending_.push_back(job);
  co_await finish(self, job);
}

// -- the end: into the history and out of the queue, then `status`, then `executing` null. The worker is at its next job meanwhile, whose
// messages wait for these.

asio::awaitable<void> Dispatcher::finish(Self self, JobPtr job) {
  const JobResult result = job->take_result();
  bool stored = false, told = false;
  while (!told) {
    std::string fault;
    try {
      stored = co_await self->broker_.finish(job->claim(), result);
      told = true;
    } catch (const Error& error) {
      fault = error.what();
    }
    if (told) break;
    log::error("the result of job {} can't be stored yet: {}", job->id(), fault);
    asio::steady_timer pause(self->io_, kRetryStoring);
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (self->closed_) co_return;
  }
  if (stored) {
    if (self->ran) self->ran(job->owner(), static_cast<double>(job->ran_ms()) / 1000);
    job->voice().later([status = self->status_, job] { status->ended(job->voice().room(), job->voice().client_id()); });
    job->say_end();
  }
  job->turn().when_open([told = job->told()] { told->open(); });
  std::erase(self->ending_, job);
  self->wake_readers();
  self->kick();
}

// -- now and then: leases, grace times, silent nodes

void Dispatcher::start_ticking() {
  if (std::exchange(ticking_, true)) return;
  spawn(tick(shared_from_this()));
}

bool Dispatcher::any_job() const {
  for (const auto& [id, seat] : seats_)
    if (seat.job) return true;
  return !ending_.empty();
}

bool Dispatcher::any_beginning() const {
  for (const auto& [id, seat] : seats_)
    if (seat.job && !seat.job->has_begun()) return true;
  return dispatching_;
}

asio::awaitable<void> Dispatcher::told_beginnings(Self self) {
  if (!self->any_beginning()) co_return;
  asio::steady_timer timer(self->io_, self->times_.beginning);
  self->readers_.push_back(&timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  self->readers_.remove(&timer);
}

void Dispatcher::wake_readers() {
  if (readers_.empty() || any_beginning()) return;
  for (auto* reader : readers_) reader->cancel();
}

asio::awaitable<void> Dispatcher::tick(Self self) {
  asio::steady_timer timer(self->io_);
  while (self->any_job()) {
    timer.expires_after(self->times_.tick);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto now = RunningJob::Clock::now();
    std::vector<JobPtr> jobs = self->ending_;  // their results may be on the way to a full disk
    for (const auto& [id, seat] : self->seats_) {
      if (!seat.job) continue;
      jobs.push_back(seat.job);
      seat.job->tick(now);
      if (seat.job->due && *seat.job->due <= now && !seat.job->cancelled_at) {
        seat.job->overdue = true;
        self->cancel(*seat.job, *seat.worker);
      }
      if (seat.job->kill_at && *seat.job->kill_at <= now) {
        log::warn("job {} did not end within {:.1f} s of its cancel: its worker is killed", seat.job->id(),
                  std::chrono::duration<double>(now - *seat.job->cancelled_at).count());
        seat.worker->kill(LostReason::kCancelled);
        break;  // it may have changed the seats
      }
    }
    for (const auto& job : jobs) co_await self->broker_.extend(job->claim(), self->times_.lease);
    try {
      co_await self->end_expired();
    } catch (const Error& error) {  // the disk is full: what is over stays where it is
      log::error("jobs that lost their workers can't be put away yet: {}", error.what());
    }
  }
  self->ticking_ = false;
}

/// Jobs that lost their workers too often elsewhere than here.
asio::awaitable<void> Dispatcher::end_expired() {
  const std::vector<Claim> exhausted = co_await broker_.expire_leases();
  for (const Claim& claim : exhausted) {
    const std::int64_t now = now_ms();
    JobResult result{.status = "error", .completed = false, .ended = now};
    result.messages.push_back(json::array{
        "execution_error",
        json::object{{"exception_type", "WorkerLost"}, {"exception_message", "Its workers stopped answering.\n"}, {"timestamp", now}}});
    co_await broker_.finish(claim, std::move(result));
    status_->changed();
  }
  kick();
}

bool Dispatcher::interrupt(std::string_view owner, const std::optional<std::string>& id) {
  bool hit = false;
  for (auto& [worker, seat] : seats_) {
    if (!seat.job || seat.job->owner() != owner || (id && seat.job->id() != *id)) continue;
    hit = true;
    cancel(*seat.job, *seat.worker);
  }
  return hit;
}

std::vector<double> Dispatcher::running_seconds() const {
  std::vector<double> seconds;
  for (const auto& [worker, seat] : seats_)
    if (seat.job)
      seconds.push_back(seat.job->events()->started() ? static_cast<double>(now_ms() - seat.job->events()->started()) / 1000 : 0);
  return seconds;
}

std::shared_ptr<JobEvents> Dispatcher::events_of(std::string_view owner, std::string_view id) const {
  for (const auto& [worker, seat] : seats_)
    if (seat.job && seat.job->owner() == owner && seat.job->id() == id) return seat.job->events();
  for (const auto& job : ending_)
    if (job->owner() == owner && job->id() == id) return job->events();
  return nullptr;
}

void Dispatcher::cancel(RunningJob& job, WorkerHandle& worker) {
  if (!job.overdue) job.events()->canceling();
  const auto now = RunningJob::Clock::now();
  if (!job.cancelled_at) {
    job.cancelled_at = now;
    job.kill_at = now + times_.grace;
  } else if (now - *job.cancelled_at >= times_.impatience) {
    job.kill_at = now;
  }
  worker.send({"cancel", {{"job", job.id()}}, {}});
}

}  // namespace darkroom
