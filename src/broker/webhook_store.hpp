#pragma once
// What webhooks are still to be told. A message is stored in the same step in which its job leaves the queue: neither is there without the
// other. Calls and their results stay on the executor of the caller.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace darkroom {

namespace asio = boost::asio;

/// A message that waits to be delivered.
struct WebhookMessage {
  std::int64_t seq = 0;  ///< order of the ends of jobs
  std::string id;        ///< for the receiver, to tell a message that comes twice: "msg_…"
  std::string owner, url;
  std::int64_t made = 0;  ///< ms since 1970
  int tries = 0;
  std::int64_t next_try = 0;  ///< ms since 1970
  std::string body;           ///< JSON; empty where only heads are given
};

class WebhookStore {
 public:
  virtual ~WebhookStore() = default;

  /// The heads of all that wait, in order.
  virtual asio::awaitable<std::vector<WebhookMessage>> waiting() = 0;
  /// Nothing when it does not wait any more.
  virtual asio::awaitable<std::optional<std::string>> body(std::int64_t seq) = 0;
  /// Notes a try that failed.
  virtual asio::awaitable<void> tried(std::int64_t seq, int tries, std::int64_t next_try) = 0;
  /// It was delivered, or is given up.
  virtual asio::awaitable<void> forget(std::int64_t seq) = 0;
  /// Called on the executor with the head of each message once it is stored.
  virtual void on_message(std::function<void(WebhookMessage)> listener) = 0;
};

}  // namespace darkroom
