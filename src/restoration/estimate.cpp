#include "restoration/estimate.hpp"

#include <algorithm>
#include <cmath>

namespace darkroom::restoration {
namespace {

constexpr std::size_t kRemembered = 16;
constexpr double kLeastDoubt = 0.15;    ///< of what is left in this step, to either side
constexpr double kFurtherLow = 0.5, kFurtherHigh = 2.0;  ///< steps that have not begun are known by their weight alone

}  // namespace

void StepClock::done(std::int64_t value, std::int64_t max, std::int64_t now_ms) {
  max_ = max;
  if (value <= value_) return;
  const std::int64_t count = value - value_;
  const double each = static_cast<double>(now_ms - last_) / 1000 / static_cast<double>(count);
  for (std::int64_t i = 0; i < std::min<std::int64_t>(count, kRemembered); ++i) pieces_.push_back(each);
  while (pieces_.size() > kRemembered) pieces_.pop_front();
  value_ = value;
  last_ = now_ms;
}

std::optional<double> StepClock::seconds_per_piece() const {
  if (pieces_.empty()) return std::nullopt;
  double sum = 0;
  for (const double piece : pieces_) sum += piece;
  return sum / static_cast<double>(pieces_.size());
}

std::optional<std::pair<double, double>> StepClock::seconds_left(double further) const {
  if (value_ < 2 || max_ <= 0) return std::nullopt;
  const double mean = *seconds_per_piece();
  double square = 0;
  for (const double piece : pieces_) square += (piece - mean) * (piece - mean);
  const double left = static_cast<double>(std::max<std::int64_t>(max_ - value_, 0));
  const double doubt = std::max(std::sqrt(square / static_cast<double>(pieces_.size())), kLeastDoubt * mean) * left;
  const double whole = mean * static_cast<double>(max_) * further;
  return std::pair{std::max(0.0, mean * left - doubt) + whole * kFurtherLow, mean * left + doubt + whole * kFurtherHigh};
}

}  // namespace darkroom::restoration
