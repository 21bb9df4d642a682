#pragma once
// How long a client may be slow. One sweep a second looks at all deadlines, so each may come a second late.

#include <cstdint>

namespace darkroom {

/// In milliseconds; tests shorten them.
struct HttpTimes {
  /// Limit: time between two requests of a connection, ms. Beyond: it is closed. Set by: --keep-alive. Edge:
  /// ServerLimits.AnIdleConnectionIsClosed.
  std::int64_t keep_alive_idle = 75'000;
  /// Limit: time from the first byte of a request to the end of its headers, ms. Beyond: 408. Fixed: it bounds what slow attackers hold.
  /// Edge: ServerLimits.ASlowHeaderGets408.
  std::int64_t header = 30'000;
  /// Limit: time between two pieces of a body, ms. Beyond: 408. Fixed: long uploads may take as long as they like while bytes come. Edge:
  /// ServerLimits.ABodyThatStopsGets408.
  std::int64_t body_idle = 60'000;
  /// Limit: time in which a client takes nothing of a reply, ms. Beyond: the connection is closed. Fixed: slow readers are fine while they
  /// read. Edge: ServerLimits.AClientThatTakesNothingIsClosed.
  std::int64_t write_idle = 60'000;
  /// Limit: time for which a connection is read on after an early reply, ms. Beyond: it is closed. Fixed: only lets the client see the
  /// reply. Edge: ServerLimits.AnEarlyReplyIsSeenAndTheRestIsCut.
  std::int64_t linger = 5'000;
};

}  // namespace darkroom
