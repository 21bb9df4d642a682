#pragma once
// The one thread that writes. What arrived while the last commit was on its way to the disk goes into the next transaction
// (group commit): a thousand writers a second cost tens of fsyncs. What only a loss of power can undo, and the next start makes
// good, needs no fsync of its own: it is on the disk with the next one, or a second later.

#include <atomic>
#include <chrono>
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
  static constexpr std::chrono::milliseconds kLazyTime{20};
  static constexpr std::chrono::milliseconds kSyncTime{1000};

  /// `apply` runs inside a transaction on the writer's thread; when it throws, only its own changes are undone. `done` is
  /// called on that thread after the commit, with what went wrong or null.
  struct Task {
    std::function<void(Database&)> apply;
    std::function<void(std::exception_ptr)> done;
    bool durable = true;  ///< on the disk before `done`; else in the file, safe from all but a loss of power
    std::int64_t subject = 0;  ///< what it is about; a task makes the lazy ones of its subject that still wait needless. 0: nothing
  };

  explicit Writer(Database& database);  ///< starts the thread; the database is its alone from now on
  ~Writer();                            ///< writes what has been pushed, then ends the thread

  void push(Task task);                 ///< any thread. Lazy tasks of its subject are dropped without a word
  /// For what a crash may undo: goes along with the next commit, or by itself after kLazyTime. Any thread.
  void push_lazily(Task task);
  std::uint64_t commits() const { return commits_; }

 private:
  void loop();
  bool wait_for_tasks(std::vector<Task>& group);
  void commit(std::vector<Task>& group);
  std::exception_ptr apply(std::vector<Task>& group, std::vector<std::exception_ptr>& faults);
  bool apply_alone(Task& task, std::exception_ptr& fault);
  void apply_each(std::vector<Task>& group, std::vector<std::exception_ptr>& faults);

  Database& database_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> waiting_, lazy_;
  bool stopping_ = false;
  bool asleep_ = false;    ///< a lazy task has to wake it
  bool unsynced_ = false;  ///< something committed is not yet sure to be on the disk
  std::atomic<std::uint64_t> commits_ = 0;
  std::thread thread_;
};

}  // namespace darkroom
