#include "broker/writer.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"

namespace darkroom {

Writer::Writer(Database& database) : database_(database), thread_([this] { loop(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::push(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (task.subject != 0) std::erase_if(lazy_, [&](const Task& lazy) { return lazy.subject == task.subject; });
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Writer::push_lazily(Task task) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    task.durable = false;
    lazy_.push_back(std::move(task));
    wake = asleep_;
  }
  if (wake) wake_.notify_one();
}

/// Fills `group` with what is to be written, in the order of pushing; false at the end.
/// A lazy task comes before the tasks that were pushed after it, because these take it along.
bool Writer::wait_for_tasks(std::vector<Task>& group) {
  std::unique_lock lock(mutex_);
  const auto urgent = [this] { return stopping_ || !waiting_.empty(); };
  // The first wait has an end, so that a lazy task needn't wake the thread just after a commit.
  wake_.wait_for(lock, kLazyTime, urgent);
  const auto any = [&] { return urgent() || !lazy_.empty(); };
  while (!any()) {
    asleep_ = true;
    if (!unsynced_) {
      wake_.wait(lock, any);
    } else if (!wake_.wait_for(lock, kSyncTime, any)) {
      lock.unlock();
      try {
        database_.sync_log();
      } catch (const Error& error) {
        log::warn("{}", error.what());
      }
      unsynced_ = false;
      lock.lock();
    }
    asleep_ = false;
    if (any() && !urgent()) wake_.wait_for(lock, kLazyTime, urgent);
  }
  group.swap(lazy_);
  group.insert(group.end(), std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return !group.empty();
}

void Writer::loop() {
  std::vector<Task> group;
  while (wait_for_tasks(group)) {
    commit(group);
    group.clear();
  }
}

/// One transaction. A task that fails is undone alone; returned is what made the whole transaction fail.
std::exception_ptr Writer::apply(std::vector<Task>& group, std::vector<std::exception_ptr>& faults) {
  try {
    database_.prepare("BEGIN IMMEDIATE").run();
    if (group.size() > 1) apply_each(group, faults);
    else if (!apply_alone(group[0], faults[0])) return nullptr;
    database_.prepare("COMMIT").run();
    ++commits_;
    unsynced_ = true;
    if (std::ranges::any_of(group, &Task::durable)) {
      database_.sync_log();
      unsynced_ = false;
    }
    return nullptr;
  } catch (const std::exception& error) {
    log::error("writing to the database failed: {}", error.what());
    const std::exception_ptr fault = std::current_exception();
    try {
      database_.prepare("ROLLBACK").run();
    } catch (const std::exception&) {  // SQLite has rolled back by itself, or what failed came after the commit
    }
    return fault;
  }
}

/// The transaction is the task's own: it needs no savepoint. False when it failed and is rolled back.
bool Writer::apply_alone(Task& task, std::exception_ptr& fault) {
  try {
    task.apply(database_);
    return true;
  } catch (...) {
    fault = std::current_exception();
    database_.prepare("ROLLBACK").run();
    return false;
  }
}

void Writer::apply_each(std::vector<Task>& group, std::vector<std::exception_ptr>& faults) {
  for (std::size_t i = 0; i < group.size(); ++i) {
    database_.prepare("SAVEPOINT task").run();
    try {
      group[i].apply(database_);
    } catch (...) {
      faults[i] = std::current_exception();
      database_.prepare("ROLLBACK TO task").run();
    }
    database_.prepare("RELEASE task").run();
  }
}

void Writer::commit(std::vector<Task>& group) {
  std::vector<std::exception_ptr> faults(group.size());
  const std::exception_ptr fault = apply(group, faults);
  for (std::size_t i = 0; i < group.size(); ++i)
    if (group[i].done) group[i].done(fault ? fault : faults[i]);
}

}  // namespace darkroom
