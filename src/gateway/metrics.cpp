#include "gateway/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace darkroom {
namespace {

/// Limit: node classes whose times are told apart by /metrics. Beyond: the others share the class "other". Fixed: every series costs
/// the monitoring memory. Edge: Metrics.ClassesAtTheLimit.
constexpr std::size_t kMaxClasses = 2000;

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

/// A label's value: backslash, quote and line feed escaped.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

template <class Number>
void single(std::string& out, std::string_view name, std::string_view type, std::string_view help, Number value) {
  head(out, name, type, help);
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

template <class Number>
void labelled(std::string& out, std::string_view name, std::string_view key, std::string_view value, Number number) {
  fmt::format_to(std::back_inserter(out), "{}{{{}=\"{}\"}} {}\n", name, key, label(value), number);
}

}  // namespace

void DurationCounts::add(double seconds) {
  std::size_t at = 0;
  while (at < kBounds.size() && seconds > kBounds[at]) ++at;
  ++counts_[at];
  sum_ += seconds;
}

void DurationCounts::write(std::string& out, std::string_view name, std::string_view help) const {
  head(out, name, "histogram", help);
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    all += counts_[i];
    fmt::format_to(std::back_inserter(out), "{}_bucket{{le=\"{}\"}} {}\n", name, kBounds[i], all);
  }
  all += counts_.back();
  fmt::format_to(std::back_inserter(out), "{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, all, sum_);
}

void Metrics::job_ended(std::string_view status, double ran_s) {
  ++ended_[std::string(status)];
  ran_.add(ran_s);
}

void Metrics::node_ran(const std::string& node_class, double seconds) {
  auto at = nodes_.find(node_class);
  if (at == nodes_.end()) at = nodes_.try_emplace(nodes_.size() < kMaxClasses ? node_class : "other").first;
  ++at->second.count;
  at->second.seconds += seconds;
}

std::string Metrics::text(const Now& now) const {
  std::string out;
  single(out, "darkroom_queue_pending", "gauge", "Jobs that wait.", now.pending);
  single(out, "darkroom_queue_running", "gauge", "Jobs that run.", now.running);
  single(out, "darkroom_jobs_accepted_total", "counter", "Jobs taken into the queue.", accepted_);
  head(out, "darkroom_jobs_ended_total", "counter", "Jobs that are over, by how they ended.");
  for (const auto& [status, count] : ended_) labelled(out, "darkroom_jobs_ended_total", "status", status, count);
  waited_.write(out, "darkroom_job_wait_seconds", "From accepted to started.");
  ran_.write(out, "darkroom_job_run_seconds", "From started to over.");
  head(out, "darkroom_node_run_seconds", "summary", "Time that nodes ran, by class.");
  for (const auto& [name, time] : nodes_) {
    labelled(out, "darkroom_node_run_seconds_sum", "class", name, time.seconds);
    labelled(out, "darkroom_node_run_seconds_count", "class", name, time.count);
  }
  single(out, "darkroom_nodes_cached_total", "counter", "Nodes whose result was there already.", cached_);
  single(out, "darkroom_workers_ready", "gauge", "Worker processes that can take a job.", now.workers);
  head(out, "darkroom_workers_lost_total", "counter", "Worker processes that were lost, by reason.");
  for (const auto& [reason, count] : lost_) labelled(out, "darkroom_workers_lost_total", "reason", reason, count);
  single(out, "darkroom_webhooks_waiting", "gauge", "Messages to webhooks that are still to be delivered.", now.webhooks_waiting);
  single(out, "darkroom_webhooks_delivered_total", "counter", "Messages that webhooks have taken.", webhooks_delivered_);
  single(out, "darkroom_webhooks_failed_total", "counter", "Messages to webhooks that were given up.", webhooks_failed_);
  single(out, "darkroom_websocket_clients", "gauge", "WebSocket clients.", now.sockets);
  single(out, "darkroom_websocket_frames_dropped_total", "counter",
         "Previews and steps that a newer one replaced before a slow client had them.", now.frames_thinned);
  single(out, "darkroom_websocket_clients_too_slow_total", "counter",
         "WebSocket clients that were closed because too much waited for them.", now.sockets_too_slow);
  head(out, "darkroom_resident_memory_bytes", "gauge", "Memory of each process.");
  for (const auto& process : now.processes) labelled(out, "darkroom_resident_memory_bytes", "process", process.name, process.bytes);
  head(out, "darkroom_device_memory_bytes", "gauge", "Memory of the devices that workers compute on.");
  for (const auto& device : now.devices)
    fmt::format_to(std::back_inserter(out),
                   "darkroom_device_memory_bytes{{device=\"{0}\",kind=\"total\"}} "
                   "{1}\ndarkroom_device_memory_bytes{{device=\"{0}\",kind=\"free\"}} {2}\n",
                   label(device.name), device.total, device.free);
  return out;
}

}  // namespace darkroom
