#pragma once
// What the machine has: memory, within the limits of a container.

#include <cstdint>
#include <string_view>

namespace darkroom {

struct Memory {
  std::uint64_t total = 0, available = 0;  ///< bytes
};

/// Of /proc/meminfo text; zeros when it can't be read.
Memory parse_meminfo(std::string_view text);
/// The machine's memory, or the cgroup's when that is less.
Memory machine_memory();

}  // namespace darkroom
