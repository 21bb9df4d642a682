#pragma once
// Everything that goes to the gateway, in the order in which it was said. Threads that compute only queue; the control thread
// encodes and writes, all that is there at once. While a job runs it looks by itself every millisecond, so that a job of trivial
// nodes wakes either side once, not at every node.

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
  Outbox();
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Queues a record. Blocks as the other does when the record has bytes.
  void send(Record record);
  /// Queues an event of a job. Blocks while the gateway reads more slowly than previews come, until close().
  void send(const std::string& job, int attempt, JobEvent event);

  /// Readable when something is to be taken: at once for what ends a job and for every record, for other events only while
  /// nobody gathers.
  int wake_fd() const { return wake_fd_; }
  /// wake_fd() is readable no more.
  void clear_wake();
  /// The reader will look again soon without being woken, or not. False when it must not sleep: there is something already.
  bool gather(bool on);
  /// All that is queued, encoded. Empty when there is nothing. `due`: whether any of it was to go at once.
  std::string take(bool* due = nullptr);
  void wake();
  /// Nobody reads any more: senders no longer wait.
  void close();

 private:
  struct Event {
    std::string job;
    int attempt;
    JobEvent event;
  };
  using Item = std::variant<Record, Event>;
  void wait_for_room(std::size_t bytes);
  void push(Item item, std::size_t bytes, bool at_once);

  int wake_fd_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Item> items_;
  bool due_ = false;       ///< something of items_ goes at once
  bool gathering_ = false;
  std::size_t bytes_ = 0;  ///< of pictures that are queued
  bool closed_ = false;
};

}  // namespace darkroom
