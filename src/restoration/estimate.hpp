#pragma once
// How long it will still take: from the pieces of work that are done, as a range, since nobody knows.

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace darkroom::restoration {

/// The pieces of one step: tiles, frames or layers.
class StepClock {
 public:
  explicit StepClock(std::int64_t started_ms) : started_(started_ms), last_(started_ms) {}

  /// `value` of `max` pieces are done at this moment.
  void done(std::int64_t value, std::int64_t max, std::int64_t now_ms);

  /// Mean over the last pieces; nothing before the first is done.
  std::optional<double> seconds_per_piece() const;
  /// Low and high guess in seconds for the rest of this step and for further ones, which are `further` times as much work as
  /// this whole step. Nothing before two pieces are done.
  std::optional<std::pair<double, double>> seconds_left(double further) const;

 private:
  std::int64_t started_, last_;
  std::int64_t value_ = 0, max_ = 0;
  std::deque<double> pieces_;  ///< seconds of the last ones
};

}  // namespace darkroom::restoration
