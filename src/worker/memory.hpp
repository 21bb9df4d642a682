#pragma once
// What the process and the machine have left of memory, and giving it back.

#include <cstddef>

namespace darkroom {

std::size_t resident_bytes();   ///< of this process
std::size_t available_bytes();  ///< of the machine, without swapping

/// Allocator settings for a process that computes: large blocks stay mapped between uses (reference figures: a third of the
/// time of a large layer is page faults otherwise). Call first thing in main.
void tune_allocator();
/// From now on an allocation that would bring the process near `bytes` of private memory fails with an exception, which ends the
/// node before the gateway ends the process. 0: no limit. Call on the thread that computes.
void limit_memory(std::size_t bytes);
/// Hands freed memory back to the system. Costs milliseconds, and page faults later.
void trim_memory();

}  // namespace darkroom
