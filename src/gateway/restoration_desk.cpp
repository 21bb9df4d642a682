#include "gateway/restoration_desk.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/resident_memory.hpp"
#include "base/text.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/restoration_files.hpp"
#include "storage/folders.hpp"

namespace darkroom {

using restoration::Facts;

namespace {

/// Limit: restorations in a list, the newest. Beyond: older ones are left out. Fixed: a page shows far fewer. Edge:
/// test_restore_service.py::test_the_list_has_a_limit.
constexpr std::int64_t kListed = 200;
constexpr auto kPoll = std::chrono::milliseconds(10);

/// What is stored of one; of a damaged row its id and that it failed.
Facts facts_of(const RestorationRow& row) {
  Facts facts;
  try {
    facts = Facts::from_json(parse_json(row.record).as_object());
  } catch (const std::exception& error) {
    log::error("restoration {}: {}", row.id, error.what());
    facts.state = "error";
  }
  facts.id = row.id;
  facts.owner = row.owner;
  return facts;
}

/// Ids are chosen by clients: those of two users may be the same. No user's name has a NUL.
std::string key_of(const std::string& owner, const std::string& id) { return owner + '\0' + id; }

}  // namespace

RestorationDesk::RestorationDesk(asio::any_io_executor io, const Options& options, const Folders& folders, BlockingPool& pool, Broker& broker,
                                 RestorationStore& store, JobDesk& jobs, WorkerPool& workers, RestorationTimes times)
    : io_(io), options_(options), folders_(folders), pool_(pool), broker_(broker), store_(store), jobs_(jobs), workers_(workers), times_(times),
      client_id_("restoration-" + random_hex(32)), reconcile_timer_(io) {}

RestorationDesk::~RestorationDesk() = default;

void RestorationDesk::spawn(asio::awaitable<void> work) {
  asio::co_spawn(io_, std::move(work), [](std::exception_ptr fault) {
    try {
      if (fault) std::rethrow_exception(fault);
    } catch (const std::exception& error) {
      log::error("restorations: {}", error.what());
    }
  });
}

asio::awaitable<void> RestorationDesk::start() {
  subscription_ = broker_.subscribe([this](const Record& record) { on_event(record); });
  broker_.on_change([this] { queue_changed(); });
  jobs_.on_submit([this](const Job& job) { return on_submit(job); });
  const auto rows = co_await store_.unended();
  for (const RestorationRow& row : rows) co_await take_up(row);
  taken_up_ = true;
  if (!live_.empty()) co_await reconcile();
  spawn(sweep());
}

asio::awaitable<void> RestorationDesk::take_up(RestorationRow row) {
  Facts facts = facts_of(row);
  if (facts.state != "waiting" && facts.state != "running") co_return co_await erase(std::move(facts));  // its upload broke off
  const auto stored = co_await store_.messages(row.owner, row.id, 0);
  const QueueView queue = co_await broker_.queue(row.owner);
  facts.state = "waiting";
  auto live = std::make_shared<LiveRestoration>(std::move(facts), public_url);
  live->restore(stored);
  live->job_id = live->id();
  live->taken_up = true;
  for (const auto& list : {queue.running, queue.pending})
    for (const auto& job : list)
      if (job->id == live->id()) {
        std::vector<std::string> outputs;
        const json::value ids = parse_json(job->outputs);
        for (const auto& node : ids.as_array()) outputs.push_back(python_str(node));
        live->tracker.plan(restoration::plan_of(parse_json(job->prompt).as_object(), outputs));
      }
  live_.emplace(key_of(live->facts.owner, live->id()), live);
  invite(live);
}

// -- taking in

RestorationDesk::Live RestorationDesk::add(Facts facts) {
  auto live = std::make_shared<LiveRestoration>(std::move(facts), public_url);
  live_.insert_or_assign(key_of(live->facts.owner, live->id()), live);
  invite(live);
  return live;
}

asio::awaitable<RestorationDesk::Live> RestorationDesk::begin_upload(std::string owner, std::string id) {
  const bool stored = (co_await store_.find(owner, id)).has_value();
  const bool known = stored || (co_await jobs_.job_json(owner, id)) != nullptr;
  if (known || live(owner, id)) throw restoration::Refusal{"id_taken", "There is a job of this id already"};
  Facts facts;
  facts.id = std::move(id);
  facts.owner = std::move(owner);
  facts.created = now_ms();
  const Live live = add(std::move(facts));
  live->say(live->tracker.uploading(0, 0), steady_ms());
  store_and_tell(live);
  co_return live;
}

void RestorationDesk::uploading(const Live& live, std::uint64_t bytes, std::uint64_t total) {
  live->say(live->tracker.uploading(bytes, total), steady_ms());
  store_and_tell(live);
}

asio::awaitable<void> RestorationDesk::refuse(Live live, restoration::Refusal why) {
  if (!live->has_ended()) fail(live, "error", why.code, "refused", {{"why", why.text}});
  co_await settled(live);
  auto work = [&folders = folders_, facts = live->facts] { remove_files(folders.of_user(facts.owner), facts); };
  co_await pool_.run(std::move(work));
  co_await store_.forget(live->facts.owner, live->id());
}

asio::awaitable<std::int64_t> RestorationDesk::accept(Live live, Job job) {
  live->facts.state = "waiting";
  live->tracker.plan(restoration::plan_of(job.prompt, job.outputs));
  live->say(live->tracker.waiting("uploaded"), steady_ms());
  store_and_tell(live);
  co_await store_.save(live->row(), {}, true);
  if (live->cancelled) throw restoration::Refusal{"cancelled", "Cancelled"};
  job.client_id = client_id_;
  job.has_client = true;
  co_await jobs_.submit(std::move(job));
  live->job_id = live->id();
  if (live->has_ended()) {  // cancelled while its job was being stored
    co_await jobs_.cancel(live->facts.owner, live->id());
    co_return 1;
  }
  const QueueView queue = co_await broker_.queue(live->facts.owner);
  if (!live->has_ended()) place(live, queue);
  store_and_tell(live);
  co_return std::max<std::int64_t>(1, live->position);
}

/// Jobs of other routes: those with a step are followed from the moment they are on disk.
std::function<void()> RestorationDesk::on_submit(const Job& job) {
  if (live(job.owner, job.id) || !restoration::has_step(job.prompt)) return {};
  restoration::Plan plan = restoration::plan_of(job.prompt, job.outputs);
  if (!plan.is_restoration()) return {};
  return [this, id = job.id, owner = job.owner, created = job.create_time, plan = std::move(plan)] { spawn(follow(id, owner, created, plan)); };
}

asio::awaitable<void> RestorationDesk::follow(std::string id, std::string owner, std::int64_t created, restoration::Plan plan) {
  Facts facts;
  facts.id = std::move(id);
  facts.owner = std::move(owner);
  facts.own = false;
  facts.state = "waiting";
  facts.created = created;
  const Live live = add(std::move(facts));
  live->tracker.plan(std::move(plan));
  live->job_id = live->id();
  live->say(live->tracker.waiting("accepted"), steady_ms());
  // An id that comes again is a new job: nothing of the old one stays, and only then are its own messages stored.
  live->storing = true;
  const auto old = co_await store_.find(live->facts.owner, live->id());
  if (old) {
    Facts before = facts_of(*old);
    co_await erase(std::move(before));
  }
  live->storing = false;
  store_and_tell(live);
}

asio::awaitable<void> RestorationDesk::pause(std::chrono::milliseconds time) {
  asio::steady_timer timer(io_, time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

// -- telling

void RestorationDesk::store_and_tell(const Live& live) {
  if (live->storing || !live->has_unsaved()) return;
  live->storing = true;
  spawn(storing(live));
}

/// Each message is in the database before anybody gets it: its number is then taken for good, whatever dies next.
asio::awaitable<void> RestorationDesk::storing(Live live) {
  while (live->has_unsaved()) {
    auto batch = live->take_unsaved();
    std::vector<RestorationMessage> messages;
    for (const auto& message : batch) messages.push_back({message->seq(), dump(json::value(message->kept()))});
    try {
      co_await store_.save(live->row(), std::move(messages), false);
    } catch (const Error& error) {
      log::error("messages of restoration {} can't be stored: {}", live->id(), error.what());
    }
    live->tell(std::move(batch));
  }
  live->storing = false;
  if (!live->has_ended()) co_return;
  const std::int64_t now = steady_ms();
  std::erase_if(just_ended_, [now](const auto& entry) { return now - entry.second.at > kJustEndedMs; });
  just_ended_[live->facts.owner] = {live->id(), now};
  const auto found = live_.find(key_of(live->facts.owner, live->id()));
  if (found != live_.end() && found->second == live) live_.erase(found);
}

asio::awaitable<void> RestorationDesk::settled(Live live) {
  while (live->storing || live->has_unsaved()) co_await pause(kPoll);
}

void RestorationDesk::fail(const Live& live, std::string state, std::string code, std::string say, json::object with) {
  live->end(std::move(state), restoration::kept_error(code, say, std::move(with), live->tracker.stage()), now_ms());
  store_and_tell(live);
}

// -- control

asio::awaitable<std::optional<std::string>> RestorationDesk::cancel(std::string owner, std::string id) {
  while (!taken_up_) co_await pause(kPoll);
  const Live live = this->live(owner, id);
  if (!live) co_return std::nullopt;
  live->cancelled = true;
  if (live->job_id.empty()) {
    fail(live, "cancelled", "cancelled", "cancelled");  // the upload sees it with its next piece
    co_return live->facts.state;
  }
  co_await jobs_.cancel(owner, id);
  hurry_ = true;
  co_await reconcile();
  const std::int64_t until = steady_ms() + times_.cancel.count();
  while (!live->has_ended() && steady_ms() < until) co_await pause(kPoll);
  co_return live->facts.state;
}

asio::awaitable<bool> RestorationDesk::forget(std::string owner, std::string id) {
  const auto facts = co_await find(owner, id);
  if (!facts || !facts->has_ended()) co_return false;
  co_await erase(*facts);
  co_return true;
}

asio::awaitable<void> RestorationDesk::erase(Facts facts) {
  if (facts.own) {
    auto work = [&folders = folders_, facts] { remove_files(folders.of_user(facts.owner), facts); };
    co_await pool_.run(std::move(work));
    std::vector<std::string> ids{facts.id};
    co_await jobs_.delete_history(facts.owner, std::move(ids));
  }
  co_await store_.forget(facts.owner, facts.id);
}

asio::awaitable<void> RestorationDesk::sweep() {
  if (options_.restore_keep_hours <= 0) co_return;
  const auto keep = static_cast<std::int64_t>(options_.restore_keep_hours * 3'600'000);
  for (;;) {
    try {
      const auto rows = co_await store_.ended_before(now_ms() - keep);
      for (const RestorationRow& row : rows) {
        Facts facts = facts_of(row);
        co_await erase(std::move(facts));
      }
      if (!rows.empty()) log::info("forgot {} restorations that are older than {} h", rows.size(), options_.restore_keep_hours);
    } catch (const std::exception& error) {
      log::warn("old restorations can't be forgotten: {}", error.what());
    }
    co_await pause(std::min(times_.sweep, std::chrono::milliseconds(std::max<std::int64_t>(keep / 4, 100))));
  }
}

// -- looking

RestorationDesk::Live RestorationDesk::live(const std::string& owner, const std::string& id) const {
  const auto found = live_.find(key_of(owner, id));
  return found == live_.end() ? nullptr : found->second;
}

asio::awaitable<std::optional<Facts>> RestorationDesk::find(std::string owner, std::string id) {
  if (const Live one = live(owner, id)) co_return one->facts;
  const auto row = co_await store_.find(owner, id);
  if (!row) co_return std::nullopt;
  co_return facts_of(*row);
}

asio::awaitable<std::vector<Facts>> RestorationDesk::list(std::string owner) {
  const auto rows = co_await store_.list(owner, kListed);
  std::vector<Facts> records;
  for (const RestorationRow& row : rows) {
    const Live one = live(owner, row.id);
    records.push_back(one ? one->facts : facts_of(row));
  }
  co_return records;
}

json::object RestorationDesk::view(const Facts& facts, restoration::Language language) const {
  const Live one = live(facts.owner, facts.id);
  const std::int64_t expires = facts.has_ended() && options_.restore_keep_hours > 0
                                   ? facts.ended + static_cast<std::int64_t>(options_.restore_keep_hours * 3'600'000) : 0;
  json::object view = facts.view(language, one ? one->position : 0, one && !one->preview.empty(), expires);
  for (const char* name : {"result_url", "original_url", "preview_url"})
    if (auto* url = view.if_contains(name); url && url->is_string() && public_url) *url = public_url(facts.owner, std::string(url->get_string()));
  return view;
}

std::size_t RestorationDesk::count(std::string_view state) const {
  return static_cast<std::size_t>(std::ranges::count_if(live_, [&](const auto& entry) { return entry.second->facts.state == state; }));
}

}  // namespace darkroom
