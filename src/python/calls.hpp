#pragma once
// Calls of nodes that are under way, as Python knows them: by a number. And how functions of the bridge are run.

#include <c10/util/FunctionRef.h>

#include "python/ref.hpp"

namespace darkroom {

class Context;

namespace py {

/// A node's call while it lasts. Made and ended with the lock held; the end waits for who uses the call at that moment.
class Call {
 public:
  explicit Call(Context& context);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  long number() const { return number_; }

 private:
  long number_;
};

/// Does `work(context)` with the call of this number, or with the latest one, where a thread belongs to none; without the lock, which the
/// caller has. False when no call is under way.
bool through_call(long number, c10::function_ref<void(Context&)> work);

/// Runs a function of the bridge: C++ exceptions become Python's, those of Python itself go on as they were.
PyObject* guarded(c10::function_ref<PyObject*()> work);

}  // namespace py
}  // namespace darkroom
