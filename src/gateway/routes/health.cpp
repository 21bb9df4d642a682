// /health/live, /health/ready and /metrics: for those who watch over a server.

#include <unistd.h>

#include <algorithm>

#include "base/resident_memory.hpp"
#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/metrics.hpp"
#include "gateway/readiness.hpp"
#include "gateway/services.hpp"
#include "gateway/webhook_sender.hpp"
#include "gateway/worker_pool.hpp"

namespace darkroom {
namespace {

/// Why the server should get no requests yet, or any more; empty: it should.
std::string reason_not_ready(const Services& services) {
  const Readiness& readiness = *services.readiness;
  if (readiness.stopping) return "the server is stopping";
  if (services.workers.workers().empty()) return "no worker is ready yet";
  if (readiness.warming_up) return "the warm-up workflow runs";
  if (!readiness.warm_up_failure.empty()) return "the warm-up workflow failed";
  return "";
}

Metrics::Now now(Services& services) {
  const QueueCounts jobs = services.jobs.counts();
  Metrics::Now now;
  now.pending = jobs.pending;
  now.running = jobs.running;
  now.sockets = services.hub.size();
  if (services.webhooks) now.webhooks_waiting = services.webhooks->waiting();
  now.frames_thinned = services.hub.losses.thinned;
  now.sockets_too_slow = services.hub.losses.too_slow;
  now.processes.push_back({"gateway", ResidentMemory(::getpid()).bytes()});
  const auto workers = services.workers.workers();
  now.workers = workers.size();
  for (const WorkerHandle* worker : workers) {
    const std::string name = "worker " + std::to_string(worker->id());
    if (const auto pid = int_or(worker->hello(), "pid", 0); pid > 0)
      now.processes.push_back({name, ResidentMemory(static_cast<int>(pid)).bytes()});
    const json::object& device = worker->device();
    const std::string device_name =
        string_or(device, "type", "cpu") + ":" + std::to_string(int_or(device, "index", 0)) + " " + string_or(device, "name", "");
    const bool known =
        std::ranges::any_of(now.devices, [&](const Metrics::Device& one) { return one.name == device_name; });  // of another worker
    if (!known && find(device, "vram_total"))
      now.devices.push_back({device_name, static_cast<std::uint64_t>(number_or(device, "vram_total", 0)),
                             static_cast<std::uint64_t>(number_or(device, "vram_free", 0))});
  }
  return now;
}

}  // namespace

void add_health_routes(Router& router, Services& services) {
  RouteOptions open;
  open.api_too = false;
  open.access = Access::kPublic;
  router.add(
      "GET", "/health/live",
      [](Request&) -> asio::awaitable<Response> {
        co_return Response::of_json(json::object{{"status", "live"}});
      },
      open);
  router.add(
      "GET", "/health/ready",
      [&services](Request&) -> asio::awaitable<Response> {
        const std::string reason = reason_not_ready(services);
        json::object said{{"status", reason.empty() ? "ready" : "not ready"}};
        if (!reason.empty()) said["reason"] = reason;
        co_return Response::of_json(said, reason.empty() ? 200 : 503);
      },
      open);

  RouteOptions hosts;
  hosts.api_too = false;
  hosts.access = Access::kAdmin;
  router.add(
      "GET", "/metrics",
      [&services](Request&) -> asio::awaitable<Response> {
        Response response;
        response.body = services.metrics->text(now(services));
        response.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        co_return response;
      },
      hosts);
}

}  // namespace darkroom
