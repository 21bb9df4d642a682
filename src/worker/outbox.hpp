#pragma once
// Everything that goes to the gateway, in the order in which it was said. Threads that compute only queue; the control thread
// encodes and writes, all that is there at once. Events of quick nodes wait a moment for company: a job of trivial nodes wakes
// either side once, not at every node.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "messages/events.hpp"
#include "messages/wire.hpp"

namespace darkroom {

class Outbox {
 public:
  /// The longest that an event waits for others. What ends a job, and every record, goes at once.
  static constexpr std::chrono::microseconds kGather{300};

  Outbox();
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Queues a record. Never blocks.
  void send(Record record);
  /// Queues an event of a job. Blocks while the gateway reads more slowly than previews come, until close().
  void send(const std::string& job, int attempt, JobEvent event);

  /// Readable when something is due.
  int wake_fd() const { return wake_fd_; }
  /// wake_fd() is readable no more.
  void clear_wake();
  /// All that is queued, encoded. Empty when there is nothing.
  std::string take();
  void wake() { wake_in(std::chrono::nanoseconds(1)); }
  /// Nobody reads any more: senders no longer wait.
  void close();

 private:
  struct Event {
    std::string job;
    int attempt;
    JobEvent event;
  };
  using Item = std::variant<Record, Event>;
  void push(Item item, std::size_t bytes, bool at_once);
  void wake_in(std::chrono::nanoseconds time);

  int wake_fd_;  ///< a timer
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Item> items_;
  bool due_ = false;       ///< something of items_ goes at once
  std::size_t bytes_ = 0;  ///< of pictures that are queued
  bool closed_ = false;
};

}  // namespace darkroom
