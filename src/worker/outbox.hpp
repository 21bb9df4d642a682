#pragma once
// Everything that goes to the gateway, in the order in which it was said. Threads that compute only queue; the control thread
// encodes and writes, all that is there at once.

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

  /// Queues a record. Never blocks.
  void send(Record record);
  /// Queues an event of a job. Blocks while the gateway reads more slowly than previews come, until close().
  void send(const std::string& job, int attempt, JobEvent event);

  /// Readable when there is something to take.
  int wake_fd() const { return wake_fd_; }
  /// All that is queued, encoded; clears wake_fd. Empty when there is nothing.
  std::string take();
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
  void push(Item item, std::size_t bytes);

  int wake_fd_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Item> items_;
  std::size_t bytes_ = 0;  ///< of pictures that are queued
  bool closed_ = false;
};

}  // namespace darkroom
