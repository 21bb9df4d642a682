#pragma once
// What the process and the machine have left of memory, and giving it back.

#include <cstddef>
#include <functional>
#include <optional>

#include "base/json.hpp"
#include "tensor/cuda.hpp"

namespace darkroom {

std::size_t resident_bytes();   ///< of this process
std::size_t available_bytes();  ///< of the machine, without swapping

/// What a pong says of memory, bytes: {rss}, and with a GPU that tells {vram_total, vram_free} as well. `ask`: how a GPU is asked.
json::object memory_figures(std::optional<int> gpu, const std::function<std::optional<GpuMemory>(int index)>& ask = gpu_memory);

/// Allocator settings for a process that computes: large blocks stay mapped between uses (reference figures: a third of the
/// time of a large layer is page faults otherwise). Call first thing in main.
void tune_allocator();
/// Called with its bytes before a tensor of 8 MiB or more is allocated, on the thread that wants it: to make room, or to refuse it
/// by an exception. One at a time, which has to stay until it is taken away by null. Must not allocate such a tensor itself.
void watch_allocations(const std::function<void(std::size_t bytes)>* before);
/// Hands freed memory back to the system. Costs milliseconds, and page faults later.
void trim_memory();
/// That, and what MKL keeps for its next products: for a process that computes nothing now.
void give_memory_back();

}  // namespace darkroom
