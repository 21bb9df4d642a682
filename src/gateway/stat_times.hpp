#pragma once
// Times of files as clients get them.

#include <ctime>

namespace darkroom {

/// Seconds since 1970, with a fraction.
inline double seconds_of(const timespec& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9; }

}  // namespace darkroom
