#pragma once
// "The reply of POST /prompt comes before the first message of its job" (DESIGN §8): messages of a job pass a gate that opens when
// the reply is written, and after a moment in any case. Lives on the io thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/job_voice.hpp"

namespace darkroom {

namespace asio = boost::asio;

class ReplyGates {
 public:
  /// `longest`: after which a gate opens by itself.
  ReplyGates(asio::any_io_executor io, std::chrono::milliseconds longest) : io_(std::move(io)), longest_(longest) {}

  void close(const std::string& job_id);
  /// Opens it, once its reply is out; may be called after this is gone: a connection's last act while the server stops.
  std::function<void()> opener(const std::string& job_id) const;
  /// The gate that messages of this job have to pass: an open one when its reply is out.
  std::shared_ptr<MessageGate> of(const std::string& job_id) const;

 private:
  struct Waiting {
    explicit Waiting(const asio::any_io_executor& io) : timer(io) {}
    MessageGate gate{false};
    asio::steady_timer timer;
  };
  using Gates = std::unordered_map<std::string, std::shared_ptr<Waiting>>;
  static void open(Gates& gates, const std::string& job_id);
  static void open(Gates& gates, const std::string& job_id, const std::shared_ptr<Waiting>& waiting);

  asio::any_io_executor io_;
  std::chrono::milliseconds longest_;
  std::shared_ptr<Gates> gates_ = std::make_shared<Gates>();  ///< timers that outlive the desk find it gone
};

}  // namespace darkroom
