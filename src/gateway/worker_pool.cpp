#include "gateway/worker_pool.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <unordered_map>

#include "base/error.hpp"
#include "base/gpus.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/machine.hpp"
#include "gateway/options.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/worker_process.hpp"
#include "storage/folders.hpp"
#include "workflow/validate.hpp"

namespace darkroom {
namespace {

constexpr auto kFirstBackoff = std::chrono::milliseconds(100);
constexpr std::int64_t kStableMs = 10'000;                        ///< a worker that lived so long has started well
constexpr auto kKillTime = std::chrono::seconds(1);               ///< for the kernel to end a killed one
/// Limit: workers that may die while one pack is imported. Beyond: the pack is left out until the server starts again. Fixed: the first may have
/// been the machine's fault. Edge: test_python_packs.py::test_a_pack_that_ends_the_process_at_import_is_left_out.
constexpr int kDeaths = 2;
/// Limit: share of the memory of machine or container that a worker may use. Beyond: it is replaced and its job fails without another try.
/// Set by: --ram. Edge: WorkerPoolTest.AWorkerOverItsMemoryLimitIsKilled,
/// test_supervision.py::test_a_worker_over_its_memory_limit_is_killed_and_its_job_not_tried_again.
constexpr double kDefaultRamShare = 0.85;

/// "127.0.0.1,::1"
std::string joined(const std::vector<std::string>& addresses) {
  std::string text;
  for (const auto& address : addresses) text += (text.empty() ? "" : ",") + address;
  return text;
}

const char* describe(LostReason reason) {
  switch (reason) {
    case LostReason::kCrashed: return "ended by itself";
    case LostReason::kMemory: return "used too much memory";
    case LostReason::kSilent: return "did not answer";
    case LostReason::kCancelled: return "did not end a cancelled job";
    case LostReason::kStopped: break;
  }
  return "stopped";
}

}  // namespace

struct WorkerPool::State {
  struct Ask {
    explicit Ask(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    int worker = 0;
    std::optional<json::object> answer;
    bool lost = false;
  };

  asio::any_io_executor io;
  const Options& options;
  const Folders& folders;
  SchemaStore& schemas;
  const WorkerTimes times;
  WorkerListener listener;
  std::function<void(std::string, std::string)> on_schemas;
  std::vector<std::shared_ptr<WorkerProcess>> processes;
  std::unordered_map<std::int64_t, std::shared_ptr<Ask>> asks;
  std::unordered_map<int, std::string> build_of;  ///< of worker ids
  std::string current_build;                      ///< of the schemas in the store
  asio::steady_timer changed;                     ///< cancelled whenever a worker is gone: stop() waits on it
  std::chrono::milliseconds backoff{0};
  std::string last_trouble;
  std::map<std::string, json::value> changed_classes;  ///< since the schemas of current_build, by name
  std::map<std::string, int> deaths;                   ///< of workers, by the pack that they were importing
  int next_id = 1;
  std::int64_t next_ask = 1;
  std::uint64_t ram_limit = 0;
  bool stopping = false, started = false;

  State(asio::any_io_executor executor, const Options& opts, const Folders& where, SchemaStore& store, const WorkerTimes& given)
      : io(executor), options(opts), folders(where), schemas(store), times(given), changed(executor) {
    const auto all = static_cast<double>(machine_memory().total);
    ram_limit = opts.ram_bytes ? opts.ram_bytes : static_cast<std::uint64_t>(all * kDefaultRamShare);
  }

  bool is_deadly(const std::string& pack) const {
    const auto at = deaths.find(pack);
    return at != deaths.end() && at->second >= kDeaths;
  }

  Record configuration() const {
    Folders allowed = folders;
    for (const auto& [pack, count] : deaths)
      if (is_deadly(pack)) allowed.denied_packs.push_back(pack);
    return {"configure",
            {{"folders", allowed.to_json()},
             {"precision", options.precision},
             {"cache", options.cache},
             {"cache_size", options.cache_size},
             {"preview_method", options.preview_method},
             {"preview_size", options.preview_size},
             {"ram", ram_limit},
             {"disable_metadata", options.disable_metadata},
             {"server", json::object{{"listen", joined(options.listen)},
                                     {"port", options.port},
                                     {"max_upload_size", options.max_upload_mb},
                                     {"multi_user", options.multi_user},
                                     {"disable_api_nodes", options.disable_api_nodes},
                                     {"verbose", options.verbose}}},
             {"verbose", options.verbose}},
            {}};
  }

  /// The GPU that the fewest workers compute on; none where there is none or --cpu says so.
  std::optional<int> free_gpu() const {
    std::vector<int> users(options.cpu ? 0 : nvidia_gpus().size());
    for (const auto& process : processes)
      if (const auto gpu = process->gpu(); gpu && static_cast<std::size_t>(*gpu) < users.size()) ++users[static_cast<std::size_t>(*gpu)];
    if (users.empty()) return std::nullopt;
    return static_cast<int>(std::ranges::min_element(users) - users.begin());
  }

  /// Starts one worker, or tries again later.
  void spawn() {
    if (stopping) return;
    const std::string program = options.worker_program.string();
    try {
      if (::access(program.c_str(), X_OK) != 0) throw Unavailable("there is no worker program at " + program);
      auto process = std::make_shared<WorkerProcess>(
          io, next_id++, program, free_gpu(), ram_limit, times,
          WorkerProcess::Events{[this](WorkerProcess& worker) { on_ready(worker); },
                                [this](WorkerProcess& worker, Record record) { on_record(worker, std::move(record)); },
                                [this](WorkerProcess& worker, LostReason reason, const ExitStatus& status) { on_gone(worker, reason, status); }});
      processes.push_back(process);
      log::debug("worker {} started as process {}", process->id(), process->pid());
      process->send(configuration());
      process->run();
    } catch (const Error& error) {
      trouble(error.what());
      spawn_later();
    }
  }

  /// Says what is wrong with starting workers, once for the same thing.
  void trouble(const std::string& text) {
    if (text == last_trouble) return;
    last_trouble = text;
    log::error("{}; trying again, at first after 0.1 s and then every {} s at most", text, times.longest_pause / 1000);
  }

  void spawn_later() {
    backoff = std::clamp<std::chrono::milliseconds>(backoff * 2, kFirstBackoff, std::chrono::milliseconds(times.longest_pause));
    asio::co_spawn(io, [this]() -> asio::awaitable<void> {
      asio::steady_timer timer(io, backoff);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      spawn();
    }, asio::detached);
  }

  void on_ready(WorkerProcess& worker) {
    log::info("worker {} is ready on {} ({})", worker.id(), string_or(worker.device(), "name", "cpu"), worker.pid());
    last_trouble.clear();
    json::array changed;
    for (const auto& [name, schema] : changed_classes) changed.push_back(schema);
    if (!changed.empty()) worker.send(Record{"classes", {{"schemas", std::move(changed)}}, {}});
    if (listener.ready && !stopping) listener.ready(worker);
  }

  void on_record(WorkerProcess& worker, Record record) {
    if (record.kind == "schemas") {
      take_schemas(worker, record.data);
    } else if (record.kind == "answer") {
      const auto found = asks.find(int_or(record.data, "id", 0));
      if (found == asks.end()) return;
      found->second->answer = std::move(record.data);
      found->second->timer.cancel();
    } else if (listener.record) {
      listener.record(worker, std::move(record));
    }
  }

  void take_schemas(WorkerProcess& worker, const json::object& data) {
    const auto* list = find_array(data, "schemas");
    if (!list) throw InvalidInput("no schemas in it");
    // A replacement of the same build says the same: nothing is made anew.
    const std::string build = string_or(worker.hello(), "build", "");
    if (!build.empty() && build == current_build && !worker.is_ready()) return;
    schemas.replace(std::make_shared<const SchemaSet>(SchemaSet::from_wire(*list)));
    current_build = build;
    changed_classes.clear();
    if (on_schemas) on_schemas(build, dump(json::value(*list)));
  }

  void on_gone(WorkerProcess& worker, LostReason reason, const ExitStatus& status) {
    const auto at = std::find_if(processes.begin(), processes.end(), [&](const auto& other) { return other.get() == &worker; });
    if (at == processes.end()) return;
    const auto keep = *at;
    processes.erase(at);
    if (stopping) reason = LostReason::kStopped;
    for (auto& [id, ask] : asks)
      if (ask->worker == worker.id()) {
        ask->lost = true;
        ask->timer.cancel();
      }
    if (keep->is_ready() && listener.lost) listener.lost(*keep, reason);
    changed.cancel();
    if (stopping) {
      log::debug("worker {} ended: {}", worker.id(), status.describe());
      return;
    }
    if (reason == LostReason::kStopped) {
      spawn();  // the one that loads the packs anew
      return;
    }
    if (!keep->is_ready()) {
      if (const std::string& pack = keep->importing(); !pack.empty() && ++deaths[pack] == kDeaths)
        log::error("workers died while the pack {} was imported: it is left out until the server starts again", pack);
      trouble("a worker ended before it was ready: " + status.describe());
      spawn_later();
      return;
    }
    log::warn("worker {} {}: {}; a new one is started", worker.id(), describe(reason), status.describe());
    if (steady_ms() - keep->started_ms() > kStableMs) backoff = std::chrono::milliseconds(0);
    spawn();
  }

  /// Asks a worker to hand its job back and end.
  void send_away(WorkerProcess& worker) {
    worker.expect_end();
    // One that still loads its libraries would hear of it late, and has nothing to hand back.
    if (worker.is_ready()) worker.send(Record{"stop", {}, {}});
    else worker.kill(LostReason::kStopped);
  }

  asio::awaitable<void> replace(std::weak_ptr<WorkerProcess> leaving) {
    if (const auto worker = leaving.lock()) send_away(*worker);
    asio::steady_timer timer(io, std::chrono::milliseconds(times.stop));
    co_await timer.async_wait(asio::use_awaitable);
    if (const auto worker = leaving.lock()) worker->kill(LostReason::kStopped);
  }

  WorkerProcess* any_ready() const {
    for (const auto& process : processes)
      if (process->is_ready()) return process.get();
    return nullptr;
  }
};

WorkerPool::WorkerPool(asio::any_io_executor io, const Options& options, const Folders& folders, SchemaStore& schemas, const WorkerTimes& times)
    : state_(std::make_unique<State>(io, options, folders, schemas, times)) {}

WorkerPool::~WorkerPool() = default;

void WorkerPool::listen(WorkerListener listener) { state_->listener = std::move(listener); }

void WorkerPool::on_schemas(std::function<void(std::string, std::string)> listener) { state_->on_schemas = std::move(listener); }

void WorkerPool::start() {
  if (std::exchange(state_->started, true)) return;
  for (int i = 0; i < state_->options.workers; ++i) state_->spawn();
}

asio::awaitable<void> WorkerPool::stop() {
  State& state = *state_;
  if (!std::exchange(state.stopping, true))
    for (const auto& process : state.processes) state.send_away(*process);
  const auto until_gone = [&state](std::chrono::steady_clock::time_point end) -> asio::awaitable<void> {
    while (!state.processes.empty() && std::chrono::steady_clock::now() < end) {
      state.changed.expires_at(end);
      boost::system::error_code ignored;
      co_await state.changed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  };
  co_await until_gone(std::chrono::steady_clock::now() + std::chrono::milliseconds(state.times.stop));
  const auto left = state.processes;
  for (const auto& process : left) {
    log::warn("worker {} did not stop in time: it is killed", process->id());
    process->kill(LostReason::kStopped);
  }
  co_await until_gone(std::chrono::steady_clock::now() + kKillTime);
}

void WorkerPool::reload() {
  state_->deaths.clear();  // what was deadly may have been mended
  for (const auto& process : state_->processes) asio::co_spawn(state_->io, state_->replace(process), asio::detached);
}

std::vector<WorkerHandle*> WorkerPool::workers() const {
  std::vector<WorkerHandle*> out;
  for (const auto& process : state_->processes)
    if (process->is_ready()) out.push_back(process.get());
  return out;
}

asio::awaitable<json::value> WorkerPool::ask(json::object question) {
  State& state = *state_;
  WorkerProcess* worker = state.any_ready();
  if (!worker) throw Unavailable("no worker is ready to answer");
  const std::int64_t id = state.next_ask++;
  question["id"] = id;
  const auto ask = std::make_shared<State::Ask>(state.io);
  ask->worker = worker->id();
  state.asks[id] = ask;
  ask->timer.expires_after(std::chrono::milliseconds(state.times.ask));
  worker->send(Record{"ask", std::move(question), {}});
  boost::system::error_code ignored;
  co_await ask->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  state.asks.erase(id);
  if (!ask->answer) throw Unavailable(ask->lost ? "the worker that was asked is gone" : fmt::format("no worker answered within {} s", static_cast<double>(state.times.ask) / 1000));
  if (const auto* error = find_object(*ask->answer, "error"))
    throw RaisedInValidator(string_or(*error, "type", "RuntimeError"), string_or(*error, "message", ""));
  const auto* result = find(*ask->answer, "result");
  co_return result ? *result : json::value();
}

std::uint64_t WorkerPool::ram_limit() const { return state_->ram_limit; }

bool WorkerPool::has_prompt_hook() const {
  const WorkerProcess* worker = state_->any_ready();
  return worker && bool_or(worker->hello(), "prompt_hook", false);
}

void WorkerPool::tell_classes(json::array schemas) {
  for (const auto& schema : schemas) state_->changed_classes[string_or(schema.as_object(), "class", "")] = schema;
  broadcast(Record{"classes", {{"schemas", std::move(schemas)}}, {}});
}

json::array WorkerPool::deadly_packs() const {
  json::array packs;
  for (const auto& [pack, count] : state_->deaths)
    if (state_->is_deadly(pack))
      packs.push_back(json::object{{"name", pack}, {"state", "failed"}, {"seconds", nullptr}, {"classes", 0}, {"left_out", json::array{}}, {"absent", json::array{}}, {"routes", json::array{}},
                                   {"reason", fmt::format("{} workers died while it was imported", count)}, {"traceback", nullptr}});
  return packs;
}

void WorkerPool::broadcast(const Record& record) {
  for (const auto& process : state_->processes)
    if (process->is_ready()) process->send(record);
}

}  // namespace darkroom
