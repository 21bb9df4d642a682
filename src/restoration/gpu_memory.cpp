#include "restoration/gpu_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

#include "base/text.hpp"

namespace darkroom::restoration {

void add_gpu_memory(json::object& memory, const std::vector<json::object>& devices) {
  std::int64_t taken = 0, all = 0;
  std::set<std::int64_t> counted;
  for (const json::object& device : devices) {
    const std::int64_t total = int_or(device, "vram_total", 0), free = int_or(device, "vram_free", 0);
    if (total <= 0 || !counted.insert(int_or(device, "index", -1)).second) continue;
    all += total;
    taken += std::clamp<std::int64_t>(total - free, 0, total);
  }
  if (all == 0) return;
  memory.insert_or_assign("gpu", taken);
  memory.insert_or_assign("gpu_limit", all);
}

}  // namespace darkroom::restoration
