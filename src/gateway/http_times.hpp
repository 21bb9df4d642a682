#pragma once
// How long a client may be slow. One sweep a second looks at all deadlines, so each may come a second late.

#include <cstdint>

namespace darkroom {

/// In milliseconds; tests shorten them.
struct HttpTimes {
  std::int64_t keep_alive_idle = 75'000;  ///< between two requests
  std::int64_t header = 30'000;           ///< from the first byte of a request to the end of its headers
  std::int64_t body_idle = 60'000;        ///< between two pieces of a body
  std::int64_t write_idle = 60'000;       ///< a client that takes nothing of a reply
  std::int64_t linger = 5'000;            ///< reading on after an early reply, so that the client gets to see it
};

}  // namespace darkroom
