#pragma once
// Lets a coroutine wait for one job: it is woken by pictures of the job's progress and when its end has been written. Lives on the io
// thread.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.hpp"

namespace darkroom {

namespace asio = boost::asio;

/// What was heard of a job since it was looked at last.
class WatchedJob {
 public:
  WatchedJob(const asio::any_io_executor& io, std::string owner, std::string id)
      : owner_(std::move(owner)), id_(std::move(id)), wake_(io) {}

  std::string preview;        ///< the newest picture of its progress, encoded; "": none since it was taken
  double preview_part = 0;    ///< how much of its node was done then, 0 to 1
  bool said_its_end = false;  ///< the history has it by now, or in a moment

  /// Waits until something happens, at most so long.
  asio::awaitable<void> news(std::chrono::milliseconds at_most);

  void hear(const Record& record);
  void queue_changed();

 private:
  const std::string owner_, id_;
  asio::steady_timer wake_;
};

class JobWatch {
 public:
  JobWatch(asio::any_io_executor io, Broker& broker);

  /// Follows a job for as long as somebody has what is returned; to be called before it is submitted.
  std::shared_ptr<WatchedJob> follow(std::string owner, std::string id);

 private:
  using Jobs = std::vector<std::weak_ptr<WatchedJob>>;

  asio::any_io_executor io_;
  std::shared_ptr<Jobs> jobs_ = std::make_shared<Jobs>();
  std::shared_ptr<void> subscription_;
};

}  // namespace darkroom
