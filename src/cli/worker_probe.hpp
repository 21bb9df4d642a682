#pragma once
// Starts a worker to see whether it starts, and what it says of itself.

#include <chrono>
#include <memory>
#include <string>

#include "base/json.hpp"
#include "gateway/options.hpp"
#include "storage/folders.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

struct WorkerProbe {
  bool started = false;
  json::object hello;        ///< its first record: device, pytorch_version, …
  std::shared_ptr<const SchemaSet> schemas;  ///< its node classes; null when it did not start
  std::int64_t start_ms = 0;
};

/// Starts one worker, waits for its classes and stops it.
WorkerProbe probe_worker(const Options& options, const Folders& folders, std::chrono::seconds limit);

}  // namespace darkroom
