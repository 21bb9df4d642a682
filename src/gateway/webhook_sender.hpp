#pragma once
// Tells webhooks of jobs that are over: what the broker has stored is sent, one message after the other to each receiver of a user, until
// it is taken or given up. Lives on the io thread; requests run on the thread of Outbound. No job waits for it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>

#include "broker/webhook_store.hpp"
#include "gateway/webhook_schedule.hpp"
#include "gateway/webhook_signature.hpp"

namespace darkroom {

class Metrics;
class Outbound;

/// Limit: messages that are sent to webhooks at a time. Beyond: the others wait. Fixed: receivers answer within a second. Edge:
/// WebhookSenderTest.ALimitedNumberAtATime.
constexpr int kWebhooksAtATime = 32;
/// Limit: messages of one user that are sent to webhooks at a time, one to each host. Beyond: the others wait. Fixed: receivers that do not
/// answer leave room for those of others. Edge: WebhookSenderTest.ALimitedNumberAtATime.
constexpr int kWebhooksOfUser = 8;

class WebhookSender {
 public:
  WebhookSender(asio::any_io_executor io, WebhookStore& store, Outbound& outbound, WebhookSecret secret, Metrics& metrics,
                WebhookTimes times = {});

  /// Takes over what waits since the last time, and hears of new messages from now on.
  asio::awaitable<void> start();
  std::size_t waiting() const { return waiting_.size(); }

 private:
  using When = std::pair<std::int64_t, std::int64_t>;  ///< next_try, seq
  /// The messages of one user to one host.
  struct Line {
    std::string owner;
    std::set<When> order;
    bool busy = false;
  };
  using Lines = std::map<std::string, Line>;

  void add(WebhookMessage message);
  void send_due();
  bool has_room(const Line& line) const;
  void begin(Lines::iterator line);
  asio::awaitable<void> deliver(std::string line_name, WebhookMessage message);
  asio::awaitable<void> settle(const WebhookMessage& message, int status, std::int64_t retry_after_s, const std::string& fault);
  void wake_at(std::int64_t moment);

  asio::any_io_executor io_;
  WebhookStore& store_;
  Outbound& outbound_;
  const WebhookSecret secret_;
  Metrics& metrics_;
  const WebhookTimes times_;
  std::map<std::int64_t, WebhookMessage> waiting_;  ///< heads, by seq
  Lines lines_;
  std::string served_;                            ///< the line that had its turn last
  std::unordered_map<std::string, int> busy_of_;  ///< by user
  int busy_ = 0;
  asio::steady_timer timer_;
  std::minstd_rand chance_{std::random_device{}()};
};

}  // namespace darkroom
