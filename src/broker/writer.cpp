#include "broker/writer.hpp"

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
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Writer::loop() {
  std::vector<Task> group;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      group.swap(waiting_);
    }
    commit(group);
    group.clear();
  }
}

void Writer::commit(std::vector<Task>& group) {
  std::vector<std::exception_ptr> faults(group.size());
  std::exception_ptr fault;
  try {
    database_.prepare("BEGIN IMMEDIATE").run();
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
    database_.prepare("COMMIT").run();
    ++commits_;
  } catch (const std::exception& error) {
    fault = std::current_exception();
    log::error("writing to the database failed: {}", error.what());
    try {
      database_.prepare("ROLLBACK").run();
    } catch (const std::exception&) {  // SQLite has rolled back by itself
    }
  }
  for (std::size_t i = 0; i < group.size(); ++i)
    if (group[i].done) group[i].done(fault ? fault : faults[i]);
}

}  // namespace darkroom
