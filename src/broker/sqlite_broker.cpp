#include "broker/sqlite_broker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "broker/event_channel.hpp"
#include "broker/file_lock.hpp"
#include "broker/history_table.hpp"
#include "broker/job_listing.hpp"
#include "broker/jobs_table.hpp"
#include "broker/migrations.hpp"
#include "broker/queue_mirror.hpp"
#include "broker/reader_pool.hpp"
#include "broker/schemas_table.hpp"
#include "broker/writer.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kReaders = 2;

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

struct SqliteBroker::State {
  State(const std::filesystem::path& file, BrokerLimits given)
      : path(file.string()), limits(given), lock(made(path) + ".lock"), database(path, Database::Mode::kReadWrite) {
    load();
    writer.emplace(database);
  }

  std::string path;
  BrokerLimits limits;
  FileLock lock;
  QueueMirror mirror;
  std::int64_t next_ticket = 1, next_number = 0;
  std::int64_t history_count = 0;  ///< the writer's alone once it runs
  std::shared_ptr<std::size_t> submitting = std::make_shared<std::size_t>(0);
  Database database;               ///< the writer's alone once it runs
  std::optional<Writer> writer;
  ReaderPool readers{path, kReaders};
  std::vector<std::function<void()>> change_listeners;
  EventChannel events;

  /// Makes the folder and the file. Secrets of waiting jobs are in it: it is for the owner of the process alone.
  static const std::string& made(const std::string& file) {
    std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
    ::close(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    return file;
  }

  void load() {
    migrate(database);
    requeue_running(database);
    history_count = history_size(database);
    next_ticket = 1 + std::max(database.scalar("SELECT max(ticket) FROM jobs"), database.scalar("SELECT max(ticket) FROM history"));
    next_number = database.scalar(
        "SELECT 1 + max(number) FROM (SELECT number FROM jobs WHERE explicit_number = 0"
        " UNION ALL SELECT number FROM history WHERE typeof(number) = 'integer')");
    for (JobRow& row : list_jobs(database)) mirror.add(std::move(row), false);
  }

  void changed() {
    for (const auto& listener : change_listeners) listener();
  }

  /// Runs `apply` in the next transaction and comes back when it is on disk, or throws what went wrong. Not `durable`: when it is
  /// in the file, for what the next start makes good after a loss of power.
  /// Give it a named function object: GCC 12 destroys a lambda twice that is made inside a co_await expression and converted.
  asio::awaitable<void> write(std::function<void(Database&)> apply, bool durable = true, std::int64_t subject = 0) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
        [this, durable, subject](auto handler, std::function<void(Database&)> task) {
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          auto work = asio::make_work_guard(asio::get_associated_executor(*shared));
          writer->push({std::move(task), [shared, work](std::exception_ptr fault) {
                         asio::post(work.get_executor(), [shared, fault] { std::move (*shared)(fault); });
                       }, durable, subject});
        },
        asio::use_awaitable, std::move(apply));
  }

  /// The same without waiting: for what a crash may undo.
  void write_later(std::int64_t subject, std::function<void(Database&)> apply) {
    writer->push_lazily({std::move(apply), [](std::exception_ptr fault) {
                   try {
                     if (fault) std::rethrow_exception(fault);
                   } catch (const std::exception& error) {
                     log::error("database: {}", error.what());
                   }
                 }, false, subject});
  }

  void save_state(const QueueMirror::Entry& entry) {
    const bool running = entry.state == QueueMirror::State::kRunning;
    write_later(entry.ticket, [ticket = entry.ticket, running, attempt = entry.attempt, losses = entry.losses](Database& writing) {
      update_job(writing, ticket, running, attempt, losses);
    });
  }

  /// The writer's part of every end of a job. The oldest entries go beyond the limit.
  void into_history(Database& writing, std::int64_t ticket, const ResultTexts& texts, const JobSummary& summary) {
    history_count += move_to_history(writing, ticket, texts, summary);
    const auto most = static_cast<std::int64_t>(limits.max_history);
    if (history_count > most) {
      trim_history(writing, history_count - most);
      history_count = most;
    }
  }

  /// Moves a held entry into the history, or puts it back as it was when that fails.
  asio::awaitable<void> end(std::int64_t ticket, JobResult result, std::function<void(QueueMirror::Entry&)> undo) {
    const bool durable = result.cancelled;  // what ended by itself would run again; what was cancelled must not
    auto texts = std::make_shared<const ResultTexts>(texts_of(result));
    auto summary = std::make_shared<const JobSummary>(summarize(result));
    std::exception_ptr fault;
    std::function<void(Database&)> move = [this, ticket, texts, summary](Database& writing) {
      try {
        into_history(writing, ticket, *texts, *summary);
      } catch (...) {
        history_count = history_size(writing);
        throw;
      }
    };
    try {
      co_await write(std::move(move), durable, ticket);
    } catch (...) {
      fault = std::current_exception();
    }
    if (fault) {
      if (auto* entry = mirror.find(ticket)) undo(*entry);
      std::rethrow_exception(fault);
    }
    mirror.erase(ticket);
    changed();
  }

  /// The job of an entry, from memory or disk; nothing when what is stored can't be read.
  asio::awaitable<std::optional<Job>> job_of_entry(std::int64_t ticket) {
    const auto* entry = mirror.find(ticket);
    if (!entry) co_return std::nullopt;
    const std::string id = entry->view->id;
    const int attempt = entry->attempt;
    try {
      if (entry->texts) co_return job_of(entry->row());
      auto query = [ticket](Database& reading) {
        auto row = load_job(reading, ticket);
        return row ? std::optional<Job>(job_of(*row)) : std::nullopt;
      };
      auto job = co_await readers.run(std::move(query));
      if (job) job->attempt = attempt;
      co_return job;
    } catch (const Error& error) {
      log::error("job {}: {}", id, error.what());
    }
    co_return std::nullopt;
  }
};

SqliteBroker::SqliteBroker(const std::filesystem::path& file, BrokerLimits limits) : state_(std::make_unique<State>(file, limits)) {}

SqliteBroker::~SqliteBroker() = default;

std::uint64_t SqliteBroker::commits() const { return state_->writer->commits(); }

asio::awaitable<void> SqliteBroker::submit(Job job) {
  State& state = *state_;
  if (state.mirror.counts().pending + *state.submitting >= state.limits.max_queue)
    throw QueueFull(fmt::format("The queue is full: {} jobs wait already", state.limits.max_queue));
  const Reservation reservation(state.submitting);
  auto row = std::make_shared<JobRow>(row_of(job, state.next_ticket++));
  std::function<void(Database&)> insert = [row](Database& writing) { insert_job(writing, *row); };
  co_await state.write(std::move(insert));
  state.mirror.add(std::move(*row), true);
  state.changed();
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
  std::function<void(Database&)> remove = [tickets](Database& writing) {
    for (const std::int64_t ticket : tickets) delete_job(writing, ticket);
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

std::int64_t SqliteBroker::next_number() { return state_->next_number++; }

void SqliteBroker::on_change(std::function<void()> listener) { state_->change_listeners.push_back(std::move(listener)); }

asio::awaitable<std::vector<HistoryEntry>> SqliteBroker::history(std::string owner, std::optional<std::int64_t> max_items,
                                                                 std::int64_t offset) {
  auto query = [=](Database& reading) { return read_history(reading, owner, max_items, offset); };
  co_return co_await state_->readers.run(std::move(query));
}

asio::awaitable<std::optional<HistoryEntry>> SqliteBroker::history_of(std::string owner, std::string id) {
  auto query = [=](Database& reading) { return read_history_of(reading, owner, id); };
  co_return co_await state_->readers.run(std::move(query));
}

asio::awaitable<void> SqliteBroker::delete_history(std::string owner, std::vector<std::string> ids) {
  State& state = *state_;
  std::function<void(Database&)> remove = [&state, owner, ids](Database& writing) {
    for (const std::string& id : ids) state.history_count -= delete_from_history(writing, owner, id);
  };
  co_await state.write(std::move(remove));
}

asio::awaitable<void> SqliteBroker::clear_history(std::string owner) {
  State& state = *state_;
  std::function<void(Database&)> clear = [&state, owner](Database& writing) {
    state.history_count -= darkroom::clear_history(writing, owner);
  };
  co_await state.write(std::move(clear));
}

asio::awaitable<JobsPage> SqliteBroker::jobs(std::string owner, JobsFilter filter) {
  State& state = *state_;
  std::vector<QueuedForListing> queued;
  for (const auto* entry : state.mirror.running_entries(owner)) add_queued(queued, *entry->view, "in_progress", filter);
  for (const auto* entry : state.mirror.pending_entries(owner)) add_queued(queued, *entry->view, "pending", filter);
  auto query = [&filter, owner, queued = std::move(queued)](Database& reading) mutable {
    return list_page(reading, owner, filter, std::move(queued));
  };
  co_return co_await state.readers.run(std::move(query));
}

void SqliteBroker::publish(const Record& event) { state_->events.publish(event); }

std::shared_ptr<void> SqliteBroker::subscribe(EventListener listener) { return state_->events.subscribe(std::move(listener)); }

asio::awaitable<void> SqliteBroker::keep_schemas(std::string key, std::string schemas) {
  std::function<void(Database&)> keep = [key, schemas](Database& writing) { save_schemas(writing, key, schemas); };
  co_await state_->write(std::move(keep));
}

asio::awaitable<std::optional<std::string>> SqliteBroker::kept_schemas(std::string key) {
  auto query = [key](Database& reading) { return load_schemas(reading, key); };
  co_return co_await state_->readers.run(std::move(query));
}

}  // namespace darkroom
