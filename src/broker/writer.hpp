#pragma once
// The one thread that writes. What arrived while the last commit was on its way to the disk goes into the next transaction
// (group commit): a thousand writers a second cost tens of fsyncs.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "broker/sqlite.hpp"

namespace darkroom {

class Writer {
 public:
  /// `apply` runs inside a transaction on the writer's thread; when it throws, only its own changes are undone. `done` is
  /// called on that thread after the commit, with what went wrong or null.
  struct Task {
    std::function<void(Database&)> apply;
    std::function<void(std::exception_ptr)> done;
  };

  explicit Writer(Database& database);  ///< starts the thread; the database is its alone from now on
  ~Writer();                            ///< writes what has been pushed, then ends the thread

  void push(Task task);                 ///< any thread
  std::uint64_t commits() const { return commits_; }

 private:
  void loop();
  void commit(std::vector<Task>& group);

  Database& database_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> waiting_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> commits_ = 0;
  std::thread thread_;
};

}  // namespace darkroom
