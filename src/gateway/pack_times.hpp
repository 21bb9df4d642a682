#pragma once
// How long the gateway is patient with routes of packs, and how much it gives them at a time.

#include <cstddef>
#include <cstdint>

namespace darkroom {

/// Times in milliseconds; tests shorten them.
struct PackTimes {
  /// Limit: time for a worker with packs to be ready for a request to one of their routes, ms. Beyond: 503 with Retry-After. Fixed: as long
  /// as people wait for a page. Edge: PackRoutesTest.AWorkerThatIsNotReadyIsWaitedForForAWhile.
  std::int64_t ready = 10'000;
  /// Limit: time for a pack's route to begin its reply, or to take more of the request, ms. Beyond: 504; the handler
  /// itself runs on. Fixed: handlers download models before they answer; ComfyUI has no limit. Edge:
  /// PackRoutesTest.AHandlerThatNeverAnswersIs504.
  std::int64_t first_byte = 3'600'000;
  /// How often an exchange looks whether its client and its worker are still there.
  std::int64_t look = 250;
  /// Limit: requests to routes of packs that are under way. Beyond: 503 with Retry-After. Fixed: each takes two file descriptors. Edge:
  /// PackRoutesTest.TooManyAtOnceAreToldToComeAgain.
  std::size_t at_once = 200;
};

}  // namespace darkroom
