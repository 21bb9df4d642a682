#pragma once
// Starts a worker to see whether it starts, and what it says of itself.

#include <chrono>
#include <string>

#include "base/json.hpp"
#include "gateway/options.hpp"
#include "storage/folders.hpp"

namespace darkroom {

struct WorkerProbe {
  bool started = false;
  json::object hello;        ///< its first record: device, pytorch_version, …
  std::size_t classes = 0;   ///< node classes that it has
  std::int64_t start_ms = 0;
};

/// Starts one worker, waits for its classes and stops it.
WorkerProbe probe_worker(const Options& options, const Folders& folders, std::chrono::seconds limit);

}  // namespace darkroom
