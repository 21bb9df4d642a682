#pragma once
// When a job that waits may begin, guessed from how long jobs took lately. In memory only: after a restart nothing is said until one has
// run.

#include <cstdint>
#include <optional>
#include <vector>

namespace darkroom {

class JobEstimates {
 public:
  /// One ran for so long.
  void ran(double seconds);
  /// Seconds until the waiting job at `position` (from 1) begins, with so many workers and these times that the running ones have run.
  /// Nothing where nothing is known.
  std::optional<double> until_start(std::int64_t position, std::vector<double> running, std::size_t workers) const;

 private:
  std::optional<double> mean_;  ///< of the times of jobs; newer ones count more
};

}  // namespace darkroom
