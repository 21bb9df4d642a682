#pragma once
// `status`: how many jobs wait or run. Owned by the job desk and its dispatcher; lives on the io thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/hub.hpp"

namespace darkroom {

namespace asio = boost::asio;

class Broker;

/// Tells every socket of every change of the queue. Where changes come thick, one message says what several would have: with a thousand
/// sockets, telling them would else cost more than the jobs. A count is always that of the moment at which it is sent.
class QueueStatus : public std::enable_shared_from_this<QueueStatus> {
 public:
  /// Limit: `status` messages in a row. Beyond: they come one every 20 ms, each for all that changed meanwhile. Fixed: a person
  /// brings about fewer in a moment. Edge: QueueStatusTest.ABurstIsToldOneByOneAndMoreIsJoined.
  static constexpr int kBurst = 20;
  /// Limit: time from a change of the queue to the `status` that tells it, ms. Beyond: it is not held back any longer. Fixed: nobody sees
  /// it. Edge: QueueStatusTest.WhatIsHeldBackIsToldInTime.
  static constexpr std::chrono::milliseconds kInterval{20};

  QueueStatus(asio::any_io_executor io, const Broker& broker, Hub& hub) : broker_(broker), hub_(hub), timer_(io) {}

  /// How many jobs wait or run, as this user may know: in the local room all, elsewhere its own.
  std::size_t remaining(std::string_view owner) const;
  /// The queue has changed: everybody is told, now or a little later.
  void changed();
  /// The queue has changed by the end of a job. Its client is told now in any case: the job's own end follows.
  void ended(std::string_view room, const std::string& client_id);

 private:
  using Clock = std::chrono::steady_clock;
  /// Sockets that are told in one turn of the event loop: what else is ready needn't wait for a thousand of them.
  static constexpr std::size_t kPiece = 64;
  void begin();
  void go_on();
  Frame frame_of(std::string_view room) const;
  template <class Handler>
  auto while_alive(Handler handler);

  const Broker& broker_;
  Hub& hub_;
  asio::steady_timer timer_;
  bool due_ = false;          ///< the queue has changed since the last round began
  bool waiting_ = false;      ///< for the time of the next round
  std::size_t place_ = 0;     ///< of the round under way: who comes before it in the hub has still to be told
  Clock::time_point next_{};  ///< when the next would be due if they came one every kInterval; behind by up to kBurst of them
};

}  // namespace darkroom
