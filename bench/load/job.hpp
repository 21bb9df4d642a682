#pragma once
// One job of the load: a workflow of two nodes that both servers know, no two alike, and what its client has to hear of it.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace darkroom::load {

using Clock = std::chrono::steady_clock;

/// The messages of a job in the order in which its client has to hear them. `progress_state` and the `status` of others come in between.
enum class Step : std::uint8_t { kStart, kCached, kNumber, kText, kOutput, kSuccess, kStatus, kEnd, kDone };

/// The nodes: a number, and an output node that shows it.
constexpr std::string_view kNumberNode = "1", kTextNode = "2";

struct Job {
  std::string id;
  std::int64_t value = 0;  ///< different in every job, so that nothing comes out of a cache
  Step next = Step::kStart;
  Clock::time_point due, posted, accepted, ended, told, answered;  ///< `due`: when it was to be sent; `ended`: its execution_success came

  bool is_answered() const { return answered != Clock::time_point(); }
  std::string body(const std::string& client_id) const;  ///< of POST /prompt
  /// Whether the reply of GET /history/{id} holds the success and its output.
  bool has_result(std::string_view history) const;
};

}  // namespace darkroom::load
