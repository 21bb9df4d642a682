#pragma once
// What a client knows of one job: its events that nobody has read yet, and who waits for the next.

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <exception>

#include "client/client.hpp"

namespace darkroom::client {

struct Job::State {
  State(const asio::any_io_executor& io, std::string id_, std::size_t total)
      : id(std::move(id_)), events(total), arrived(io, std::chrono::steady_clock::time_point::max()) {}

  std::string id;
  double number = 0;
  json::object node_errors;
  JobEvents events;

  /// Keeps events for the reader, and wakes it. Past the limits the oldest steps and pictures that were not read are left out: a later one
  /// says more.
  void push(std::vector<JobEvent> more);
  void fail(std::exception_ptr why);  ///< the reader gets it after the events that are there

  std::deque<JobEvent> waiting;
  std::exception_ptr failure;
  asio::steady_timer arrived;  ///< cancelled for each arrival; never expires
  bool submitted = false;      ///< the server has taken it
  std::chrono::steady_clock::time_point heard{};  ///< the last message of it
};

}  // namespace darkroom::client
