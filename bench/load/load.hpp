#pragma once
// A load of many clients on one server, and what came of it.
//
// closed  each client sends its next job when the last one is answered: how much the server does
// open    jobs are due at a fixed rate whatever the server does, at the clients by turns. Latencies count from when a job was due, so that
// a server
//         that holds up the sending does not look quicker for it.
// What comes in the time for warming up does not count. At the end no new jobs are sent and those on their way are waited for.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "base/json.hpp"
#include "load/client.hpp"

namespace darkroom::load {

struct Plan {
  std::size_t clients = 1;
  double warm_up = 1, seconds = 5;
  double rate = 0;  ///< jobs a second of an open loop; 0: a closed one
};

class Load {
 public:
  Load(asio::io_context& io, const asio::ip::tcp::endpoint& server, const Plan& plan);

  /// Says "measuring" and "measured" on standard output at the ends of what counts.
  asio::awaitable<void> run();
  json::object report() const;
  bool is_clean() const { return clean_; }

 private:
  asio::awaitable<void> open_sockets();
  asio::awaitable<void> send_in_turn(Client& client);
  asio::awaitable<void> send_at_rate();
  asio::awaitable<void> measure();
  asio::awaitable<void> drain();
  asio::awaitable<void> one(Client& client, Clock::time_point due);
  Job& new_job(Clock::time_point due);
  bool counts(const Job& job) const;

  Shared shared_;
  const Plan plan_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Job> jobs_;
  std::int64_t first_value_;
  std::size_t on_the_way_ = 0;
  bool over_ = false, clean_ = false;
  Clock::time_point from_, to_;  ///< what counts
  double cpu_ = 0;
  std::uint64_t statuses_ = 0;
};

}  // namespace darkroom::load
