#include "gateway/job_estimates.hpp"

#include <algorithm>

namespace darkroom {
namespace {
constexpr double kNewest = 0.2;  ///< weight of the newest time
}  // namespace

void JobEstimates::ran(double seconds) { mean_ = mean_ ? *mean_ + kNewest * (seconds - *mean_) : seconds; }

std::optional<double> JobEstimates::until_start(std::int64_t position, std::vector<double> running, std::size_t workers) const {
  if (!mean_ || workers == 0 || position < 1) return std::nullopt;
  // When each worker is free: the jobs before this one go to whoever is free first.
  std::vector<double> free(std::max(workers, running.size()), 0.0);
  for (std::size_t i = 0; i < running.size(); ++i) free[i] = std::max(0.0, *mean_ - running[i]);
  const auto earliest = [&] { return std::ranges::min_element(free); };
  const auto rounds = (position - 1) / static_cast<std::int64_t>(free.size());  // whole rounds shift all alike
  for (std::int64_t i = 0; i < (position - 1) % static_cast<std::int64_t>(free.size()); ++i) *earliest() += *mean_;
  return *earliest() + static_cast<double>(rounds) * *mean_;
}

}  // namespace darkroom
