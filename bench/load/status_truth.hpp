#pragma once
// Whether the counts of `status` can have been true when they were sent, from what the load knows of its own jobs. The server must
// have no others.
//
// A job is in the queue at some moment of its POST and leaves it between its execution_success and its `executing` null. A message is
// read at most kDelay after it was sent. So what a socket hears at a moment is at least the number of jobs that were accepted kDelay ago
// and whose end is still kDelay away, and at most the number of those that may have been there at any moment of the last kDelay.

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "load/job.hpp"

namespace darkroom::load {

class StatusTruth {
 public:
  static constexpr std::chrono::milliseconds kDelay{500};

  explicit StatusTruth(Clock::time_point began) : began_(began) {}

  void heard(Clock::time_point at, std::int64_t count);
  /// How many milliseconds heard a count that can't have been true.
  std::size_t untrue(const std::deque<Job>& jobs) const;

 private:
  struct Extremes {
    std::int64_t least = INT64_MAX, most = INT64_MIN;
  };
  std::size_t slot(Clock::time_point at) const;

  Clock::time_point began_;
  std::vector<Extremes> heard_;  ///< by millisecond
};

}  // namespace darkroom::load
