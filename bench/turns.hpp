#pragma once
// The side of a bench that computes: a run for each line on standard input, what it cost as a line back (bench/turns.py reads it).

#include <sys/resource.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <iostream>
#include <string>

namespace darkroom {

/// Seconds of processor time of this process, all threads together.
inline double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Says "ready"; then for each line `run()`, and its seconds of wall clock and of processor time and the peak of memory in MiB. `after`,
/// if any, follows each run outside of what is measured.
inline void take_turns(const std::function<void()>& run, const std::function<void()>& after = {}) {
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    const double before = processor_seconds();
    run();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const double cpu = processor_seconds() - before;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    if (after) after();
    std::cout << wall.count() << ' ' << cpu << ' ' << usage.ru_maxrss / 1024 << std::endl;
  }
}

}  // namespace darkroom
