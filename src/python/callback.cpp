#include "python/callback.hpp"

#include <condition_variable>
#include <mutex>

#include "base/error.hpp"
#include "python/calls.hpp"

namespace darkroom::py {
namespace {

constexpr const char* kCapsule = "darkroom.lent";

/// What a capsule holds. Counted and ended under the mutex, which nobody holds while the interpreter's lock is waited for.
struct Lent {
  LentFunction::Work work;
  std::mutex mutex;
  std::condition_variable left;
  int inside = 0;
  bool over = false;

  bool enter() {
    const std::scoped_lock lock(mutex);
    if (over) return false;
    ++inside;
    return true;
  }
  void leave() {
    {
      const std::scoped_lock lock(mutex);
      --inside;
    }
    left.notify_all();
  }
  void end() {
    std::unique_lock lock(mutex);
    over = true;
    left.wait(lock, [this] { return inside == 0; });
  }
};

Lent* lent_in(PyObject* capsule) { return static_cast<Lent*>(PyCapsule_GetPointer(capsule, kCapsule)); }

PyObject* call(PyObject* capsule, PyObject* arguments) {
  return guarded([&]() -> PyObject* {
    Lent& lent = *lent_in(capsule);
    if (!lent.enter()) throw InvalidInput("this function could be called while the one that it was given to ran, and not later");
    struct Leaving {
      Lent& lent;
      ~Leaving() { lent.leave(); }
    } const leaving{lent};
    return lent.work(arguments).release();
  });
}

PyMethodDef definition = {"lent", call, METH_VARARGS, "A function of the worker, for as long as the call lasts that it was given to."};

}  // namespace

LentFunction::LentFunction(Work work) {
  auto held = std::make_unique<Lent>();
  held->work = std::move(work);
  capsule_ = checked(PyCapsule_New(held.get(), kCapsule, [](PyObject* capsule) { delete lent_in(capsule); }));
  held.release();
  function_ = checked(PyCFunction_New(&definition, capsule_.get()));
}

LentFunction::~LentFunction() {
  Lent& lent = *lent_in(capsule_.get());
  const Unlocked unlocked;  // who is inside may want the lock first
  lent.end();
}

}  // namespace darkroom::py
