#pragma once
// How far a network has come, measured by the multiplications that are done, and where it may be interrupted.

#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace darkroom {

/// `value` of `max` is done; throws what shall end the computation (a cancelled job).
using WorkProgress = std::function<void(std::int64_t value, std::int64_t max)>;

/// The steps of one pass, each with its cost in multiplications. The parts of a network say beforehand which steps they will take
/// (`plan`) and tick them off in the same order.
class Work {
 public:
  Work(std::vector<double> steps, const WorkProgress& progress) : steps_(std::move(steps)), progress_(progress), all_(std::accumulate(steps_.begin(), steps_.end(), 0.0)) {}

  /// The next step is done.
  void step() {
    if (next_ < steps_.size()) done_ += steps_[next_++];
    check();
  }
  /// In the middle of a step.
  void check() const { progress_(next_ == steps_.size() ? kParts : static_cast<std::int64_t>(done_ / all_ * kParts), kParts); }

  static constexpr std::int64_t kParts = 1000;  ///< what a whole pass counts

 private:
  std::vector<double> steps_;
  const WorkProgress& progress_;
  double all_, done_ = 0;
  std::size_t next_ = 0;
};

}  // namespace darkroom
