#pragma once
// The memory of GPUs as it is told to those who watch.

#include <vector>

#include "base/json.hpp"

namespace darkroom::restoration {

/// Adds {"gpu": bytes taken, "gpu_limit": bytes} of the workers' GPUs to `memory`, each GPU once, whoever takes it; nothing where no worker
/// told of one. `devices`: {index, vram_total, vram_free} of each worker.
void add_gpu_memory(json::object& memory, const std::vector<json::object>& devices);

}  // namespace darkroom::restoration
