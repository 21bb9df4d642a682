#include "gateway/gateway.hpp"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "broker/sqlite_broker.hpp"
#include "gateway/allowances.hpp"
#include "gateway/features.hpp"
#include "gateway/gatekeeper.hpp"
#include "gateway/housekeeping.hpp"
#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/input_fetcher.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/job_watch.hpp"
#include "gateway/log_buffer.hpp"
#include "gateway/log_sink.hpp"
#include "gateway/pack_routes.hpp"
#include "gateway/pack_watch.hpp"
#include "gateway/packs.hpp"
#include "gateway/pool.hpp"
#include "gateway/restoration_desk.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/server.hpp"
#include "gateway/services.hpp"
#include "gateway/warm_up.hpp"
#include "gateway/webhook_sender.hpp"
#include "gateway/websocket.hpp"
#include "gateway/worker_pool.hpp"
#include "outbound/outbound.hpp"
#include "storage/folders.hpp"
#include "storage/user_room.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

constexpr int kPoolThreads = 4;
/// Limit: time for replies to be written when the server stops, ms. Beyond: connections are closed. Fixed: the jobs are on disk. Edge:
/// test_limits.py::test_a_reader_that_sleeps_does_not_hold_up_the_end.
constexpr auto kDrainTime = std::chrono::milliseconds(700);
constexpr auto kBetweenLooks = std::chrono::seconds(1);  ///< at tokens of open sockets
constexpr auto kSettleTime = std::chrono::milliseconds(50);

Folders make_folders(const Options& options) {
  Folders folders = Folders::below(options.base_directory, shipped_model_folders(options.demonstration_models));
  if (!options.input_directory.empty()) folders.input = options.input_directory;
  if (!options.output_directory.empty()) folders.use_output(options.output_directory);
  if (!options.temp_directory.empty()) folders.temp = options.temp_directory / "temp";
  if (!options.user_directory.empty()) folders.user = options.user_directory;
  if (options.disable_packs) folders.allowed_packs = options.allowed_packs;
  folders.denied_packs = options.denied_packs;
  for (const auto& file : options.extra_model_paths) folders.add_extra_paths(file);
  try {
    folders.create_missing();
  } catch (const fs::filesystem_error& error) {
    throw Forbidden("the folder " + error.path1().string() + " can't be made: " + error.code().message());
  }
  for (const auto& folder : {folders.base, folders.input, folders.output, folders.temp, folders.user})
    if (::access(folder.c_str(), W_OK | X_OK) != 0) throw Forbidden("the folder " + folder.string() + " can't be written");
  return folders;
}

/// Ten thousand clients need as many descriptors; the usual soft limit is 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Which file it is, and which state of it.
std::string file_mark(const fs::path& file) {
  std::error_code fault;
  const auto size = fs::file_size(file, fault);
  const auto modified = fs::last_write_time(file, fault).time_since_epoch().count();
  return file.string() + " " + std::to_string(size) + " " + std::to_string(modified);
}

/// Schemas are kept under what is known of a worker before it has started: which program it is, and the code of its packs.
std::string schemas_key(const fs::path& program, const Folders& folders) {
  std::string text = file_mark(program);
  for (const auto& file : pack_code(folders)) text += '\n' + file_mark(file);
  return sha256_hex(text).substr(0, 32);
}

WebhookSecret webhook_secret(const Options& options) {
  if (options.webhook_secret.empty()) return WebhookSecret::of_file(options.base_directory / "webhook.secret");
  return WebhookSecret::parse(options.webhook_secret);
}

}  // namespace

struct Gateway::Parts {
  explicit Parts(Options given)
      : options(std::move(given)),
        server(io, options, router, pool, sockets, {.keep_alive_idle = static_cast<std::int64_t>(options.keep_alive_s * 1000)}),
        bound((server.listen(), true)),
        folders(make_folders(options)),
        gate(options),
        schemas(folders),
        workers(io.get_executor(), options, folders, schemas),
        broker(options.base_directory / "darkroom.sqlite", {.max_queue = static_cast<std::size_t>(options.max_queue),
                                                            .max_history = static_cast<std::size_t>(options.max_history),
                                                            .user_running = static_cast<std::size_t>(options.user_limits.running),
                                                            .user_waiting = static_cast<std::size_t>(options.user_limits.waiting)}),
        desk(io.get_executor(), options, broker, hub, workers),
        watch(io.get_executor(), broker),
        services{options, folders, pool, hub, schemas, desk, workers, logs},
        pack_routes(
            io.get_executor(), [this] { return workers.workers(); }, !folders.packs().empty()),
        restorations(io.get_executor(), options, folders, pool, broker, broker.restorations(), desk, workers),
        outbound({.open = options.outbound, .allow = options.outbound_allow}),
        webhooks(io.get_executor(), broker.webhooks(), outbound, webhook_secret(options), *services.metrics),
        signals(io, SIGTERM, SIGINT) {}

  // Later ones use earlier ones; what is listed first is destroyed last.
  Options options;
  LogBuffer logs;
  AttachedLog attached{logs};
  BlockingPool pool{kPoolThreads};
  asio::io_context io{1};
  Hub hub;
  WebSocketHost sockets{io, hub, HubLimits{}};
  Hub progress_hub;
  WebSocketHost progress_sockets{io, progress_hub, HubLimits{}};
  Router router;
  Server server;
  bool bound;  ///< the port is ours before anything is written
  Folders folders;
  Gatekeeper gate;
  SchemaStore schemas;
  WorkerPool workers;
  SqliteBroker broker;
  JobDesk desk;
  JobWatch watch;
  Services services;
  PackRoutes pack_routes;
  RestorationDesk restorations;
  Outbound outbound;
  InputFetcher inputs{outbound};
  WebhookSender webhooks;
  asio::signal_set signals;

  asio::awaitable<void> start();
  asio::awaitable<void> close_ended_logins();
  asio::awaitable<void> wait_for_signal();
  asio::awaitable<void> stop();
};

asio::awaitable<void> Gateway::Parts::start() {
  const std::string key = schemas_key(options.worker_program, folders);
  workers.on_schemas([this, key](std::string, std::string text) {
    asio::co_spawn(io, broker.keep_schemas(key, std::move(text)), asio::detached);
  });
  co_await webhooks.start();
  co_await restorations.start();
  co_await desk.start();
  workers.start();
  asio::co_spawn(io, warm_up(router, services), asio::detached);
  if (options.dev) asio::co_spawn(io, watch_packs(pool, folders, workers), asio::detached);
  const auto kept = co_await broker.kept_schemas(key);
  if (!kept || schemas.current()) co_return;
  try {
    const json::value list = parse_json(*kept);
    schemas.replace(std::make_shared<const SchemaSet>(SchemaSet::from_wire(list.as_array())));
  } catch (const std::exception& error) {
    log::warn("the node classes kept from the last start can't be read: {}", error.what());
  }
}

/// A socket may be open for days: it ends with the token that opened it.
asio::awaitable<void> Gateway::Parts::close_ended_logins() {
  asio::steady_timer timer(io);
  const auto is_over = [this](const Handshake& shake) {
    return (shake.expires > 0 || !shake.token_id.empty()) && gate.is_over({.token_id = shake.token_id, .expires = shake.expires});
  };
  for (;;) {
    timer.expires_after(kBetweenLooks);
    co_await timer.async_wait(asio::use_awaitable);
    for (Hub* one : {&hub, &progress_hub}) one->close_if(is_over);
  }
}

asio::awaitable<void> Gateway::Parts::wait_for_signal() {
  const int number = co_await signals.async_wait(asio::use_awaitable);
  log::info("stopping ({})", number == SIGINT ? "interrupted" : "terminated");
  // A second signal means at once: accepted jobs are on disk.
  signals.async_wait([](const boost::system::error_code& fault, int) {
    if (!fault) std::_Exit(130);
  });
  co_await stop();
  io.stop();
}

asio::awaitable<void> Gateway::Parts::stop() {
  services.readiness->stopping = true;
  server.stop_accepting();
  desk.close();
  co_await workers.stop();
  hub.close_all();
  progress_hub.close_all();
  co_await server.drain(kDrainTime);
  // Jobs that were handed back are still on their way to the disk.
  asio::steady_timer settle(io, kSettleTime);
  co_await settle.async_wait(asio::use_awaitable);
}

Gateway::Gateway(Options options) {
  ::signal(SIGPIPE, SIG_IGN);
  ::mallopt(M_ARENA_MAX, 2);  // few threads, small bodies: more arenas would only hold freed memory
  raise_descriptor_limit();
  parts_ = std::make_unique<Parts>(std::move(options));
  Parts& parts = *parts_;
  parts.services.watch = &parts.watch;
  add_all_routes(parts.router, parts.services);
  parts.router.set_others(parts.pack_routes);
  parts.sockets.greet = [&parts](HubSession& session) { parts.desk.greet(session); };
  parts.services.restorations = &parts.restorations;
  parts.services.gate = &parts.gate;
  parts.services.assets = &parts.broker.assets();
  parts.services.inputs = &parts.inputs;
  parts.services.outbound = &parts.outbound;
  parts.services.webhooks = &parts.webhooks;
  parts.services.readiness->warming_up = !parts.options.warm_up.empty();
  parts.desk.count_in(*parts.services.metrics);
  parts.desk.on_ran([&parts](const std::string& owner, double seconds) {
    if (room_of(owner) != kLocalUser) allowances_of(parts.services).ran(owner, seconds, steady_ms());
  });
  parts.restorations.public_url = [&parts](const std::string& owner, std::string url) {
    if (room_of(owner) == kLocalUser) return url;
    return parts.gate.signed_link(owner, url, now_ms() / 1000 + static_cast<std::int64_t>(parts.options.link_hours * 3600));
  };
  parts.server.guard(parts.gate);
  const auto milliseconds = [](double seconds) { return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)); };
  parts.progress_sockets.greet = [&parts](HubSession& session) { parts.restorations.watch(session); };
  parts.progress_sockets.heard = [&parts](HubSession& session, const json::object& message) { parts.restorations.heard(session, message); };
  parts.progress_sockets.heartbeat = {milliseconds(parts.options.progress_ping_s), milliseconds(parts.options.progress_silence_s)};
  parts.progress_hub.on_disconnect([&parts](const std::string& client_id) { parts.restorations.unwatch(client_id); });
  parts.server.serve_sockets("/ws/progress", parts.progress_sockets);
  parts.sockets.feature_flags = Frame::message("feature_flags", features(parts.options));
}

Gateway::~Gateway() {
  if (parts_) parts_->pool.stop();
}

int Gateway::run() {
  Parts& parts = *parts_;
  parts.server.start();
  for (const auto& url : parts.server.urls()) log::info("To see the GUI go to: {}", url);
  std::exception_ptr start_failure;
  asio::co_spawn(parts.io, parts.start(), [&](std::exception_ptr failure) {
    if (!failure) return;
    start_failure = failure;
    parts.io.stop();
  });
  asio::co_spawn(parts.io, keep_house(parts.pool, parts.folders, parts.broker, parts.options.visitor_keep_days), asio::detached);
  asio::co_spawn(parts.io, parts.close_ended_logins(), asio::detached);
  asio::co_spawn(parts.io, parts.wait_for_signal(), asio::detached);
  for (;;) {
    try {
      parts.io.run();
      break;
    } catch (const std::exception& error) {
      // One event that could not be dealt with is no reason to stop serving the others.
      log::error("an event of the io thread failed: {}", error.what());
    }
  }
  if (start_failure) std::rethrow_exception(start_failure);
  log::info("stopped");
  return 0;
}

}  // namespace darkroom
