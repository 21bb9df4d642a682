#pragma once
// What a process keeps in memory, asked for again and again.

#include <cstdint>

namespace darkroom {

/// Holds the process's file in /proc open: to find and open it costs more than all that a job of trivial nodes asks of the kernel.
class ResidentMemory {
 public:
  explicit ResidentMemory(int pid);
  ~ResidentMemory();
  ResidentMemory(const ResidentMemory&) = delete;
  ResidentMemory& operator=(const ResidentMemory&) = delete;

  std::uint64_t bytes() const;  ///< 0 when the process is gone

 private:
  const int file_;
};

}  // namespace darkroom
