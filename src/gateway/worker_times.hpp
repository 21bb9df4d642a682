#pragma once
// How long the gateway is patient with a worker.

#include <cstdint>

namespace darkroom {

/// In milliseconds; tests shorten them.
struct WorkerTimes {
  /// Limit: silence of a worker's control thread, ms. Beyond: it is killed and replaced; its job runs again once. Fixed: it answers
  /// while nodes compute. Edge: WorkerPoolTest.ASilentWorkerIsKilled.
  std::int64_t silent = 5'000;
  /// Limit: time for a worker to load its libraries, ms. Beyond: it is killed and started again. Fixed: slow disks are allowed for.
  /// Edge: WorkerPoolTest.AWorkerThatNeverSaysHelloIsKilled.
  std::int64_t start = 120'000;
  /// Limit: time for a worker to answer a question of its classes' validators, ms. Beyond: the check counts as failed. Fixed: its
  /// control thread answers while nodes compute. Edge: WorkerPoolTest.AQuestionHasItsTime.
  std::int64_t ask = 5'000;
  /// Limit: time for a worker to end or hand back its job when the server stops, ms. Beyond: it is killed. Fixed: process managers
  /// wait 10 s. Edge: WorkerPoolTest.AWorkerThatWillNotStopIsKilled.
  std::int64_t stop = 8'000;
  /// Limit: pause before a worker that can't start is tried again, ms. Beyond: pauses double up to it and grow no longer. Fixed: a
  /// repaired machine is found soon. Edge: WorkerPoolTest.PausesGrowToTheirLimit.
  std::int64_t longest_pause = 10'000;
};

}  // namespace darkroom
