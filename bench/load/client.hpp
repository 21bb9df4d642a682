#pragma once
// One client of the load: a WebSocket of its own, and connections of HTTP for its jobs.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "load/faults.hpp"
#include "load/frames.hpp"
#include "load/http_connection.hpp"
#include "load/message.hpp"
#include "load/status_truth.hpp"

namespace darkroom::load {

/// What all clients of a load share.
struct Shared {
  asio::io_context& io;
  asio::ip::tcp::endpoint server;
  Faults faults;
  StatusTruth truth{Clock::now()};
  std::int64_t most_others = INT64_MAX;  ///< jobs that can be in the queue besides a client's own
  std::uint64_t statuses = 0;
  std::string scratch = std::string(64u << 10, '\0');  ///< one read at a time
};

class Client {
 public:
  Client(Shared& shared, std::string id) : shared_(shared), id_(std::move(id)), socket_(shared.io) {}

  /// Opens the WebSocket, which is listened to from then on, and a connection for the first job.
  asio::awaitable<void> open();
  /// Sends a job and waits for its end and its result. A fault is counted; the job is then not answered.
  asio::awaitable<void> run(Job& job);

  std::int64_t last_status() const { return last_status_; }

 private:
  struct Waiting {
    Job& job;
    asio::steady_timer end;
  };
  asio::awaitable<void> answer(Job& job);
  asio::awaitable<std::string> request(std::string method, std::string target, std::string body);
  asio::awaitable<void> listen();
  void received(std::string_view bytes);
  void heard(const Message& message);
  void heard_status(std::int64_t count);
  void heard_step(Waiting& waiting, Step step);

  Shared& shared_;
  const std::string id_;
  asio::ip::tcp::socket socket_;
  FrameReader frames_;
  std::unordered_map<std::string, Waiting*> running_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;
  std::int64_t last_status_ = -1;
};

}  // namespace darkroom::load
