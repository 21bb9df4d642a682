#include "broker/sqlite_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "broker/jobs_table.hpp"
#include "broker/migrations.hpp"
#include "broker/webhook_message.hpp"
#include "broker/webhooks_table.hpp"
#include "messages/job_terms.hpp"

namespace darkroom {
namespace {

/// Makes the folder and the file. Secrets of waiting jobs are in it: it is for the owner of the process alone.
const std::string& made(const std::string& file) {
  std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
  ::close(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return file;
}

}  // namespace

SqliteBroker::State::State(const std::filesystem::path& file, BrokerLimits given, std::size_t most_webhooks)
    : path(file.string()),
      limits(given),
      lock(made(path) + ".lock"),
      database(path, Database::Mode::kReadWrite),
      webhooks_waiting(most_webhooks) {
  load();
  writer.emplace(database);
}

void SqliteBroker::State::load() {
  migrate(database);
  requeue_running(database);
  history_sizes = darkroom::history_sizes(database);
  next_ticket = 1 + std::max(database.scalar("SELECT max(ticket) FROM jobs"), database.scalar("SELECT max(ticket) FROM history"));
  next_number = database.scalar(
      "SELECT 1 + max(number) FROM (SELECT number FROM jobs WHERE explicit_number = 0"
      " UNION ALL SELECT number FROM history WHERE typeof(number) = 'integer')");
  next_webhook = 1 + database.scalar("SELECT max(seq) FROM webhooks");
  for (const WebhookMessage& message : list_webhooks(database)) webhooks_waiting.add(message.seq, message.owner);
  for (JobRow& row : list_jobs(database)) mirror.add(std::move(row), false);
}

void SqliteBroker::State::changed() {
  for (const auto& listener : change_listeners) listener();
}

asio::awaitable<void> SqliteBroker::State::write(std::function<void(Database&)> apply, bool durable, std::int64_t subject) {
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

void SqliteBroker::State::write_later(std::int64_t subject, std::function<void(Database&)> apply) {
  writer->push_lazily({std::move(apply), [](std::exception_ptr fault) {
                 try {
                   if (fault) std::rethrow_exception(fault);
                 } catch (const std::exception& error) {
                   log::error("database: {}", error.what());
                 }
               }, false, subject});
}

void SqliteBroker::State::save_state(const QueueMirror::Entry& entry) {
  const bool running = entry.state == QueueMirror::State::kRunning;
  write_later(entry.ticket, [ticket = entry.ticket, running, attempt = entry.attempt, losses = entry.losses](Database& writing) {
    update_job(writing, ticket, running, attempt, losses);
  });
}

void SqliteBroker::State::shrink_history(const std::string& owner, std::int64_t count) {
  const auto size = history_sizes.find(owner);
  if (size != history_sizes.end() && (size->second -= count) <= 0) history_sizes.erase(size);
}

/// The writer's part of every end of a job. Beyond the limit go the oldest entries of whoever has the most: nobody's jobs drive out
/// another's. They go some at a time: one by one each would cost about as many written pages as its job did.
SqliteBroker::State::HistoryChange SqliteBroker::State::into_history(Database& writing, std::int64_t ticket, const ResultTexts& texts,
                                                                     const JobSummary& summary) {
  HistoryChange change;
  const std::string owner = owner_of_job(writing, ticket);
  const std::int64_t added = move_to_history(writing, ticket, texts, summary);
  change.replaced = added == 0;
  history_sizes[owner] += added;
  std::int64_t sum = 0;
  for (const auto& [user, size] : history_sizes) sum += size;
  const auto most_entries = static_cast<std::int64_t>(limits.max_history);
  if (sum <= most_entries) return change;
  for (std::int64_t over = sum - most_entries + std::min(kTrimmed - 1, most_entries / 100); over > 0;) {
    const auto most = std::ranges::max_element(history_sizes, {}, [](const auto& entry) { return entry.second; });
    const std::int64_t count = history_sizes.size() == 1 ? over : 1;
    trim_history(writing, most->first, count);
    over -= count;
    change.trimmed[most->first] = most->second - count;
    shrink_history(std::string(most->first), count);
  }
  return change;
}

void SqliteBroker::State::remember(const QueueMirror::Entry& entry, const ResultTexts& texts, JobSummary summary,
                                   const HistoryChange& change) {
  const QueuedJob& job = *entry.view;
  summary.create_time = job.create_time;
  summary.workflow_id = job.workflow_id;
  if (change.replaced || !entry.texts) recent.forget(job.owner, job.id);
  else
    recent.add(job.owner, {.id = job.id,
                           .number = job.number,
                           .prompt = job.prompt,
                           .extra_data = job.extra_data,
                           .output_ids = job.outputs,
                           .outputs = texts.outputs,
                           .status = texts.status,
                           .meta = texts.meta,
                           .summary = std::move(summary),
                           .terms = job.terms,
                           .events = texts.events});
  for (const auto& [owner, size] : change.trimmed) recent.keep_newest(owner, static_cast<std::size_t>(size));
}

std::shared_ptr<const WebhookMessage> SqliteBroker::State::webhook_of(std::int64_t ticket, const JobResult& result) {
  const auto* entry = mirror.find(ticket);
  if (!entry || entry->view->terms.empty()) return nullptr;
  const QueuedJob& job = *entry->view;
  const std::string url = JobTerms::of(job.terms).webhook;
  if (url.empty()) return nullptr;
  if (!webhooks_waiting.has_room(job.owner)) {
    log::error("job {}: its webhook is not told: too many messages wait already ({} of all users)", job.id, webhooks_waiting.size());
    return nullptr;
  }
  const WebhookSubject subject{.owner = job.owner, .id = job.id, .url = url, .ticket = ticket, .create_time = job.create_time};
  auto message = std::make_shared<WebhookMessage>(webhook_message(subject, result, now_ms()));
  message->seq = next_webhook++;
  return message;
}

void SqliteBroker::State::told_webhooks(const std::vector<std::shared_ptr<const WebhookMessage>>& messages) {
  for (const auto& message : messages) {
    if (!message) continue;
    webhooks_waiting.add(message->seq, message->owner);
    WebhookMessage head = *message;
    head.body.clear();
    if (webhook_listener) webhook_listener(std::move(head));
  }
}

asio::awaitable<void> SqliteBroker::State::end(std::int64_t ticket, JobResult result, std::function<void(QueueMirror::Entry&)> undo) {
  const bool durable = result.cancelled;  // what ended by itself would run again; what was cancelled must not
  auto texts = std::make_shared<const ResultTexts>(texts_of(result));
  auto summary = std::make_shared<const JobSummary>(summarize(result));
  auto change = std::make_shared<HistoryChange>();
  const std::shared_ptr<const WebhookMessage> message = webhook_of(ticket, result);
  std::exception_ptr fault;
  std::function<void(Database&)> move = [this, ticket, texts, summary, change, message](Database& writing) {
    try {
      *change = into_history(writing, ticket, *texts, *summary);
      if (message) insert_webhook(writing, *message);
    } catch (...) {
      history_sizes = darkroom::history_sizes(writing);
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
  if (const auto* entry = mirror.find(ticket)) remember(*entry, *texts, *summary, *change);
  mirror.erase(ticket);
  changed();
  told_webhooks({message});
}

asio::awaitable<std::optional<Job>> SqliteBroker::State::job_of_entry(std::int64_t ticket) {
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

}  // namespace darkroom
