// How restorations are followed: by the events of the workers, and by what the queue and the history say of their jobs.

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/resident_memory.hpp"
#include "base/text.hpp"
#include "gateway/pool.hpp"
#include "gateway/restoration_desk.hpp"
#include "gateway/restoration_files.hpp"
#include "gateway/worker_pool.hpp"
#include "messages/wire.hpp"
#include "restoration/failure.hpp"
#include "restoration/gpu_memory.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

using restoration::Message;

namespace {

/// Looks at the queue that may miss a job before it counts as gone: while its result is written it is in neither list.
constexpr int kMisses = 10;

}  // namespace

void RestorationDesk::on_event(const Record& record) {
  if (live_.empty()) return;  // every event of every job comes by
  const Live live = this->live(string_or(record.data, "owner", kLocalUser), string_or(record.data, "job", ""));
  if (!live || live->has_ended()) return;
  try {
    apply(*live, event_of(record));
  } catch (const Error& error) {
    log::error("restoration {}: {}", live->id(), error.what());
  }
  store_and_tell(live);
}

void RestorationDesk::apply(LiveRestoration& live, const JobEvent& event) {
  if (std::holds_alternative<JobStarted>(event)) {
    live.facts.state = "running";
    live.position = 0;
    if (live.facts.started == 0) live.facts.started = now_ms();
    look_at_memory();
    if (!std::exchange(in_company_, true)) spawn(keep_company());
  }
  if (const auto* sent = std::get_if<MessageSent>(&event); sent && sent->type == "restoration.preview" && sent->data.is_object())
    live.preview_place = sent->data.get_object();
  if (const auto* sent = std::get_if<BinarySent>(&event); sent && sent->event == kAttentionPicture) {
    live.attention = sent->bytes;
    repeat(live, {{"attention", json::object{}}}, false);
  }
  auto messages = live.tracker.on(event, steady_ms());
  if (const auto* progress = std::get_if<NodeProgress>(&event); progress && !progress->picture.empty() && !messages.empty()) {
    live.preview = progress->picture;
    messages.back().extra.emplace("preview", std::exchange(live.preview_place, {}));
  }
  for (auto& message : messages) live.say(std::move(message), steady_ms());
  if (std::holds_alternative<JobSucceeded>(event) || std::holds_alternative<JobFailed>(event) || std::holds_alternative<JobInterrupted>(event))
    hurry_ = true;  // the queue changes next
}

/// Says the last message again, with something more.
void RestorationDesk::repeat(LiveRestoration& live, json::object extra, bool minor) {
  Message message;
  message.stage = live.tracker.stage();
  message.say = string_or(live.facts.last, "say", "step");
  message.progress = live.tracker.progress();
  if (const auto* with = find_object(live.facts.last, "with")) message.with = *with;
  message.source = live.tracker.source();
  message.extra = std::move(extra);
  for (const char* figure : {"tile", "tiles", "seconds_per_tile"})
    if (const auto* value = darkroom::find(live.facts.last, figure)) message.extra.emplace(figure, *value);
  message.minor = minor;
  live.say(std::move(message), steady_ms());
}

void RestorationDesk::queue_changed() {
  if (live_.empty()) return;
  if (hurry_ && !reconciling_) return spawn(reconcile());
  reconcile_later();
}

void RestorationDesk::reconcile_later() {
  if (std::exchange(scheduled_, true)) return;
  reconcile_timer_.expires_after(times_.reconcile);
  reconcile_timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    scheduled_ = false;
    spawn(reconcile());
  });
}

/// Compares the live ones with the queue: who has moved up, and whose job is there no more.
asio::awaitable<void> RestorationDesk::reconcile() {
  if (reconciling_) {
    again_ = true;
    co_return;
  }
  struct Done {
    bool& running;
    ~Done() { running = false; }
  } done{reconciling_ = true};
  do {
    again_ = hurry_ = false;
    std::map<std::string, std::vector<Live>> owners;
    for (const auto& [id, live] : live_)
      if (!live->job_id.empty() && !live->has_ended()) owners[live->facts.owner].push_back(live);
    for (const auto& [owner, lives] : owners) {
      const QueueView queue = co_await broker_.queue(owner);
      for (const Live& live : lives) {
        const auto is_it = [&](const auto& job) { return job->id == live->id(); };
        if (live->has_ended()) continue;
        if (std::ranges::any_of(queue.running, is_it) || std::ranges::any_of(queue.pending, is_it)) place(live, queue);
        else co_await look_for_end(live);
      }
    }
  } while (again_);
}

void RestorationDesk::place(const Live& live, const QueueView& queue) {
  live->missed = 0;
  const auto found = std::ranges::find_if(queue.pending, [&](const auto& job) { return job->id == live->id(); });
  const std::int64_t position = found == queue.pending.end() ? 0 : broker_.position((*found)->ticket).value_or(0);
  if (position > 0) live->facts.state = "waiting";
  if (std::exchange(live->position, position) == position || position == 0) return;
  const std::int64_t ahead = position - 1 + static_cast<std::int64_t>(broker_.counts().running);
  live->say(live->tracker.waiting(ahead == 0 ? "next" : "waiting", {{"ahead", ahead}}, {{"position", position}}), steady_ms());
  store_and_tell(live);
}

asio::awaitable<void> RestorationDesk::look_for_end(Live live) {
  const auto entry = co_await broker_.history_of(live->facts.owner, live->id());
  if (live->has_ended()) co_return;
  if (!entry || (!live->taken_up && entry->summary.ended < live->facts.created)) {
    if (++live->missed < kMisses) reconcile_later();
    else if (live->taken_up) fail(live, "error", "lost", "lost");
    else fail(live, "cancelled", "cancelled", "cancelled");  // somebody took it out of the queue
    co_return;
  }
  if (entry->summary.status == "completed") {
    auto work = [folders = folders_.of_user(live->facts.owner), outputs = entry->outputs, node = live->facts.save_node] { return result_in(folders, outputs, node); };
    live->facts.result = co_await pool_.run(std::move(work));
    for (Message& message : live->tracker.on(JobSucceeded{}, steady_ms())) live->say(std::move(message), steady_ms());
    Message last = live->tracker.complete(live->facts.result.there() ? live->facts.url_of_result() : "");
    if (!live->facts.result.there()) last.extra.erase("result_url");
    last.extra.insert_or_assign("seconds", static_cast<double>(entry->summary.ended - entry->summary.started) / 1000);
    live->end("complete", restoration::kept(last), now_ms());
    store_and_tell(live);
  } else if (entry->summary.status == "cancelled") {
    fail(live, "cancelled", "cancelled", "cancelled");
  } else {
    json::object error;
    if (!entry->summary.error.empty()) error = parse_json(entry->summary.error).as_object();
    auto words = restoration::failure_of(error, live->tracker.stage());
    fail(live, "error", words.code, words.say, std::move(words.with));
  }
}

void RestorationDesk::look_at_memory() {
  std::uint64_t bytes = 0, count = 0;
  std::vector<json::object> devices;
  for (const auto* worker : workers_.workers()) {
    devices.push_back(worker->device());
    const auto pid = static_cast<int>(int_or(worker->hello(), "pid", 0));
    auto& memory = memory_[pid];
    if (!memory) memory = std::make_unique<ResidentMemory>(pid);
    bytes += memory->bytes();
    ++count;
  }
  if (memory_.size() > count) std::erase_if(memory_, [](const auto& entry) { return entry.second->bytes() == 0; });
  json::object memory{{"process", bytes}, {"limit", workers_.ram_limit() * count}};
  restoration::add_gpu_memory(memory, devices);
  for (const auto& [id, live] : live_)
    if (live->facts.state == "running") live->memory = memory;
}

/// While something runs: memory figures, and a word now and then where a node is silent.
asio::awaitable<void> RestorationDesk::keep_company() {
  for (;;) {
    co_await pause(times_.quiet / 4);
    std::vector<Live> running;
    for (const auto& [id, live] : live_)
      if (live->facts.state == "running") running.push_back(live);
    if (running.empty()) break;
    look_at_memory();
    for (const Live& live : running) {
      if (steady_ms() - live->last_said() < times_.quiet.count()) continue;
      repeat(*live, {}, true);
      store_and_tell(live);
    }
  }
  in_company_ = false;
}

}  // namespace darkroom
