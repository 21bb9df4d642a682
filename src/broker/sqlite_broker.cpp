#include "broker/sqlite_broker.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "broker/jobs_table.hpp"
#include "broker/sqlite_assets.hpp"
#include "broker/sqlite_restorations.hpp"
#include "broker/sqlite_state.hpp"
#include "broker/sqlite_webhooks.hpp"
#include "broker/submission_keys_table.hpp"
#include "broker/webhooks_table.hpp"

namespace darkroom {
namespace {

/// A place in the queue for a job that is being written. May outlive the broker, in a coroutine that nobody resumes any more.
class Reservation {
 public:
  explicit Reservation(std::shared_ptr<std::size_t> count) : count_(std::move(count)) { ++*count_; }
  ~Reservation() { --*count_; }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

 private:
  std::shared_ptr<std::size_t> count_;
};

}  // namespace

SqliteBroker::SqliteBroker(const std::filesystem::path& file, BrokerLimits limits, std::size_t max_webhooks)
    : state_(std::make_unique<State>(file, limits, max_webhooks)),
      restorations_(std::make_unique<SqliteRestorations>(*state_)),
      assets_(std::make_unique<SqliteAssets>(*state_)),
      webhooks_(std::make_unique<SqliteWebhooks>(*state_)) {}

RestorationStore& SqliteBroker::restorations() { return *restorations_; }

AssetStore& SqliteBroker::assets() { return *assets_; }

WebhookStore& SqliteBroker::webhooks() { return *webhooks_; }

SqliteBroker::~SqliteBroker() = default;

std::uint64_t SqliteBroker::commits() const { return state_->writer->commits(); }

asio::awaitable<void> SqliteBroker::submit(Job job, std::optional<SubmissionKey> key) {
  State& state = *state_;
  if (state.mirror.counts().pending + *state.submitting >= state.limits.max_queue)
    throw QueueFull(fmt::format("The queue is full: {} jobs wait already", state.limits.max_queue));
  auto& submitting = state.submitting_of[job.owner];
  if (!submitting) submitting = std::make_shared<std::size_t>(0);
  const std::size_t own = state.mirror.counts_of(job.owner).pending + *submitting;
  if (state.limits.user_waiting > 0 && job.owner != "local" && own >= state.limits.user_waiting)
    throw UserQueueFull(fmt::format("You have {} jobs waiting already: wait until some are done", own));
  const Reservation reservation(state.submitting), own_reservation(submitting);
  std::erase_if(state.submitting_of, [](const auto& entry) { return *entry.second == 0; });
  auto row = std::make_shared<JobRow>(row_of(job, state.next_ticket++));
  std::function<void(Database&)> insert = [row](Database& writing) { insert_job(writing, *row); };
  if (key)
    insert = [row, key = std::move(*key), now = job.create_time](Database& writing) {
      take_submission_key(writing, key, *row, now);
      insert_job(writing, *row);
    };
  co_await state.write(std::move(insert));
  state.mirror.add(std::move(*row), true);
  state.changed();
}

asio::awaitable<std::optional<KeyUse>> SqliteBroker::key_use(std::string owner, std::string scope, std::string key) {
  auto query = [owner, scope, key](Database& reading) { return find_submission_key(reading, owner, scope, key, now_ms()); };
  co_return co_await state_->readers.run(std::move(query));
}

asio::awaitable<std::optional<ClaimedJob>> SqliteBroker::claim(std::chrono::milliseconds lease) {
  State& state = *state_;
  for (;;) {
    auto* entry = state.mirror.take_next();
    if (!entry) co_return std::nullopt;
    entry->lease_until = QueueMirror::Clock::now() + lease;
    const Claim claim = entry->claim();
    const int losses = entry->losses;
    state.save_state(*entry);
    state.changed();
    auto job = co_await state.job_of_entry(claim.ticket);
    if (job) co_return ClaimedJob{claim, std::move(*job), losses};
    // A damaged row must not stop the queue: it ends here, with an error that says so.
    JobResult result{.status = "error", .completed = false, .started = now_ms(), .ended = now_ms()};
    result.messages = {json::array{"execution_error", json::object{{"exception_type", "RuntimeError"},
                                                                    {"exception_message", "The stored job is damaged."},
                                                                    {"timestamp", now_ms()}}}};
    const bool ended = co_await finish(claim, std::move(result));
    if (!ended) log::error("ticket {}: a damaged job could not be put away", claim.ticket);
  }
}

asio::awaitable<bool> SqliteBroker::extend(Claim claim, std::chrono::milliseconds lease) {
  auto* entry = state_->mirror.running(claim);
  if (entry) entry->lease_until = QueueMirror::Clock::now() + lease;
  co_return entry != nullptr;
}

asio::awaitable<bool> SqliteBroker::finish(Claim claim, JobResult result) {
  State& state = *state_;
  auto* entry = state.mirror.running(claim);
  if (!entry) co_return false;
  state.mirror.hold(*entry);
  std::function<void(QueueMirror::Entry&)> undo = [](QueueMirror::Entry& held) { held.state = QueueMirror::State::kRunning; };
  co_await state.end(claim.ticket, std::move(result), std::move(undo));
  co_return true;
}

asio::awaitable<bool> SqliteBroker::hand_back(Claim claim) {
  auto* entry = state_->mirror.running(claim);
  if (!entry) co_return false;
  state_->mirror.put_back(*entry);
  state_->save_state(*entry);
  state_->changed();
  co_return true;
}

asio::awaitable<Broker::Lost> SqliteBroker::lose(Claim claim) {
  auto* entry = state_->mirror.running(claim);
  if (!entry) co_return Lost::kStale;
  const bool exhausted = ++entry->losses >= state_->limits.max_attempts;
  if (!exhausted) state_->mirror.put_back(*entry);
  state_->save_state(*entry);
  state_->changed();
  co_return exhausted ? Lost::kExhausted : Lost::kPending;
}

asio::awaitable<std::vector<Claim>> SqliteBroker::expire_leases() {
  std::vector<Claim> exhausted;
  for (auto* entry : state_->mirror.expired(QueueMirror::Clock::now())) {
    if (co_await lose(entry->claim()) != Lost::kExhausted) continue;
    ++entry->attempt;  // the late worker is refused from now on
    entry->lease_until = QueueMirror::Clock::time_point::max();
    state_->save_state(*entry);
    exhausted.push_back(entry->claim());
  }
  co_return exhausted;
}

asio::awaitable<std::size_t> SqliteBroker::delete_pending(std::string owner, std::vector<std::string> ids) {
  State& state = *state_;
  std::vector<std::int64_t> tickets;
  for (const std::string& id : ids)
    if (auto* entry = state.mirror.pending(owner, id)) {
      state.mirror.hold(*entry);
      tickets.push_back(entry->ticket);
    }
  if (tickets.empty()) co_return 0;
  std::exception_ptr fault;
  JobResult cancelled{.status = "error", .completed = false, .cancelled = true};
  cancelled.ended = now_ms();
  std::vector<std::shared_ptr<const WebhookMessage>> messages;
  for (const std::int64_t ticket : tickets)
    if (auto message = state.webhook_of(ticket, cancelled)) messages.push_back(std::move(message));
  std::function<void(Database&)> remove = [tickets, messages](Database& writing) {
    for (const std::int64_t ticket : tickets) delete_job(writing, ticket);
    for (const auto& message : messages) insert_webhook(writing, *message);
  };
  try {
    co_await state.write(std::move(remove));
  } catch (...) {
    fault = std::current_exception();
  }
  for (const std::int64_t ticket : tickets) {
    if (!fault) state.mirror.erase(ticket);
    else if (auto* entry = state.mirror.find(ticket)) state.mirror.put_back(*entry);
  }
  if (fault) std::rethrow_exception(fault);
  state.changed();
  state.told_webhooks(messages);
  co_return tickets.size();
}

asio::awaitable<std::size_t> SqliteBroker::clear_pending(std::string owner) {
  std::vector<std::string> ids;
  for (const auto* entry : state_->mirror.all_pending(owner)) ids.push_back(entry->view->id);
  co_return co_await delete_pending(std::move(owner), std::move(ids));
}

asio::awaitable<bool> SqliteBroker::cancel_pending(std::string owner, std::string id, JobResult result) {
  State& state = *state_;
  auto* entry = state.mirror.pending(owner, id);
  if (!entry) co_return false;
  state.mirror.hold(*entry);
  std::function<void(QueueMirror::Entry&)> undo = [&state](QueueMirror::Entry& held) { state.mirror.put_back(held); };
  co_await state.end(entry->ticket, std::move(result), std::move(undo));
  co_return true;
}

QueueCounts SqliteBroker::counts() const { return state_->mirror.counts(); }

QueueCounts SqliteBroker::counts_of(std::string_view owner) const { return state_->mirror.counts_of(owner); }

const std::vector<std::int64_t>& SqliteBroker::order() const { return state_->mirror.order(); }

asio::awaitable<QueueView> SqliteBroker::queue(std::string owner) {
  State& state = *state_;
  QueueView view;
  std::vector<std::pair<std::shared_ptr<const QueuedJob>*, std::int64_t>> missing;
  const auto collect = [&](const std::vector<const QueueMirror::Entry*>& entries, auto& list) {
    list.reserve(entries.size());
    for (const auto* entry : entries) {
      list.push_back(entry->view);
      if (!entry->texts) missing.emplace_back(&list.back(), entry->ticket);
    }
  };
  collect(state.mirror.running_entries(owner), view.running);
  collect(state.mirror.pending_entries(owner), view.pending);
  if (missing.empty()) co_return view;

  std::vector<std::int64_t> tickets;
  for (const auto& [place, ticket] : missing) tickets.push_back(ticket);
  auto load = [tickets](Database& reading) { return load_jobs(reading, tickets); };
  const auto rows = co_await state.readers.run(std::move(load));
  for (std::size_t i = 0; i < missing.size(); ++i) {
    auto& place = *missing[i].first;
    if (!rows[i]) {  // it left meanwhile, or is damaged
      place = nullptr;
      continue;
    }
    auto full = std::make_shared<QueuedJob>(*place);
    full->prompt = rows[i]->prompt;
    full->extra_data = rows[i]->extra_data;
    full->outputs = rows[i]->output_ids;
    place = std::move(full);
  }
  std::erase(view.running, nullptr);
  std::erase(view.pending, nullptr);
  co_return view;
}

std::optional<Broker::Queued> SqliteBroker::queued(std::string_view owner, std::string_view id) const {
  const auto* entry = state_->mirror.oldest(owner, id);
  if (!entry) return std::nullopt;
  const bool running = entry->state == QueueMirror::State::kRunning || (entry->state == QueueMirror::State::kLeaving && entry->was_running);
  return Queued{entry->view, running};
}

std::int64_t SqliteBroker::next_number() { return state_->next_number++; }

void SqliteBroker::on_change(std::function<void()> listener) { state_->change_listeners.push_back(std::move(listener)); }

void SqliteBroker::publish(const Record& event) { state_->events.publish(event); }

std::shared_ptr<void> SqliteBroker::subscribe(EventListener listener) { return state_->events.subscribe(std::move(listener)); }

}  // namespace darkroom
