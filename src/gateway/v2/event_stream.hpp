#pragma once
// Server-sent events of one job (docs/api-v2.md): from where it is now, or from after the last one that the client saw, to its end.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "gateway/http.hpp"
#include "gateway/job_events.hpp"
#include "storage/folders.hpp"

namespace darkroom {
struct Services;
}  // namespace darkroom

namespace darkroom::v2 {

/// The streams that are open. One for the gateway; lives as long.
class EventStreams : public std::enable_shared_from_this<EventStreams> {
 public:
  struct Times {
    std::chrono::milliseconds ping{15'000};   ///< between two signs of life: clients give up after 45 s
    std::chrono::milliseconds position{250};  ///< between two words on the place in the queue
  };
  /// Limit: open event streams of API v2 of one user. Beyond: 429 with Retry-After. Fixed: a stream is for a job that is watched, and each
  /// holds a connection. Edge: test_api_v2.py::test_one_user_has_a_limited_number_of_streams.
  static constexpr std::size_t kOfUser = 100;

  explicit EventStreams(Services& services);

  /// A stream for a job of this user, which has to be there. `last_seen`: the id of the last event that the client saw, or "".
  /// Throws Refusal (429 too_many_streams).
  std::shared_ptr<BodyReader> open(asio::any_io_executor io, std::string user, std::string job_id, std::string base_address,
                                   std::string_view last_seen);

  Times times;  ///< tests shorten them

 private:
  friend class EventStream;
  Services& services_;
  std::list<std::function<void()>> waiting_;  ///< streams of jobs that wait: called when the queue has changed
  std::unordered_map<std::string, std::size_t> open_of_;
};

}  // namespace darkroom::v2
