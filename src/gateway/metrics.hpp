#pragma once
// What a host's monitoring reads: counters and durations of jobs, nodes, workers and sockets, in the text form of Prometheus.
// Lives on the io thread.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

/// Durations counted by size.
class DurationCounts {
 public:
  /// Upper bounds, s.
  static constexpr std::array<double, 12> kBounds{0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800};
  void add(double seconds);
  /// `NAME_bucket`, `NAME_sum` and `NAME_count`, with HELP and TYPE.
  void write(std::string& out, std::string_view name, std::string_view help) const;

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

class Metrics {
 public:
  // -- counted as it happens
  void job_accepted() { ++accepted_; }
  void job_started(double waited_s) { waited_.add(waited_s); }
  void job_ended(std::string_view status, double ran_s);  ///< "success", "error" or "cancelled"
  void jobs_cancelled_waiting(std::size_t count) { ended_["cancelled"] += count; }
  void node_ran(const std::string& node_class, double seconds);
  void nodes_cached(std::size_t count) { cached_ += count; }
  void webhook_delivered() { ++webhooks_delivered_; }
  void webhook_failed() { ++webhooks_failed_; }
  void worker_lost(std::string_view reason) { ++lost_[std::string(reason)]; }

  /// As they are when somebody asks.
  struct Process {
    std::string name;         ///< "gateway", "worker 1"
    std::uint64_t bytes = 0;  ///< resident
  };
  struct Device {
    std::string name;                   ///< "cuda:0 NVIDIA H200": each once
    std::uint64_t total = 0, free = 0;  ///< bytes
  };
  struct Now {
    std::size_t pending = 0, running = 0, sockets = 0, workers = 0;
    std::uint64_t frames_thinned = 0, sockets_too_slow = 0;
    std::vector<Process> processes;
    std::vector<Device> devices;
    std::size_t webhooks_waiting = 0;
  };
  /// The whole page.
  std::string text(const Now& now) const;

 private:
  struct NodeTime {
    std::uint64_t count = 0;
    double seconds = 0;
  };
  std::uint64_t accepted_ = 0, cached_ = 0;
  std::map<std::string, std::uint64_t> ended_{{"cancelled", 0}, {"error", 0}, {"success", 0}}, lost_;
  std::map<std::string, NodeTime> nodes_;  ///< by class
  DurationCounts waited_, ran_;
  std::uint64_t webhooks_delivered_ = 0, webhooks_failed_ = 0;
};

}  // namespace darkroom
