#include "python/calls.hpp"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "python/errors.hpp"
#include "worker/node.hpp"

namespace darkroom::py {
namespace {

struct Entry {
  Context* context;
  int users = 0;
};

struct Calls {
  std::mutex mutex;
  std::condition_variable unused;
  std::map<long, Entry> open;
  long next = 1;
};

Calls& calls() {
  static Calls all;
  return all;
}

}  // namespace

Call::Call(Context& context) {
  const std::scoped_lock lock(calls().mutex);
  number_ = calls().next++;
  calls().open.emplace(number_, Entry{&context});
}

Call::~Call() {
  {
    const std::scoped_lock lock(calls().mutex);
    const auto at = calls().open.find(number_);
    if (at->second.users == 0) {
      calls().open.erase(at);
      return;
    }
  }
  const Unlocked unlocked;  // who uses it may want the lock first
  std::unique_lock lock(calls().mutex);
  const auto at = calls().open.find(number_);
  calls().unused.wait(lock, [at] { return at->second.users == 0; });
  calls().open.erase(at);
}

bool through_call(long number, c10::function_ref<void(Context&)> work) {
  const Unlocked unlocked;
  std::map<long, Entry>::iterator at;
  {
    const std::scoped_lock lock(calls().mutex);
    auto& open = calls().open;
    at = open.find(number);
    if (at == open.end() && !open.empty()) at = std::prev(open.end());
    if (at == open.end()) return false;
    ++at->second.users;
  }
  const auto leave = [at] {
    {
      const std::scoped_lock lock(calls().mutex);
      --at->second.users;
    }
    calls().unused.notify_all();
  };
  try {
    work(*at->second.context);
  } catch (...) {
    leave();
    throw;
  }
  leave();
  return true;
}

PyObject* guarded(c10::function_ref<PyObject*()> work) {
  try {
    return work();
  } catch (...) {
    raise(std::current_exception());
  }
  return nullptr;
}

}  // namespace darkroom::py
