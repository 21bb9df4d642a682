#pragma once
// Functions across the border: Python's that native code keeps, and native ones that Python may call for a while.

#include <functional>
#include <memory>

#include "python/errors.hpp"
#include "python/ref.hpp"

namespace darkroom::py {

/// A Python function that native code keeps and calls, from any thread.
class Callback {
 public:
  /// With the lock held, as are all uses but copying and letting go.
  explicit Callback(PyObject* function) : function_(Ref::share(function).release(), [](PyObject* object) {
    const Gil gil;
    Py_DECREF(object);
  }) {}

  /// Calls it with these objects (Ref). Throws what it raises.
  template <class... Arguments>
  Ref operator()(const Arguments&... arguments) const {
    return checked(PyObject_CallFunctionObjArgs(function_.get(), arguments.get()..., nullptr));
  }

 private:
  std::shared_ptr<PyObject> function_;
};

/// A native function for Python, which may call it until this is gone and gets an error afterwards; its end waits for threads that are inside.
/// With the lock held.
class LentFunction {
 public:
  /// Gets the tuple of its arguments.
  using Work = std::function<Ref(PyObject* arguments)>;
  explicit LentFunction(Work work);
  ~LentFunction();
  LentFunction(const LentFunction&) = delete;
  LentFunction& operator=(const LentFunction&) = delete;
  PyObject* get() const { return function_.get(); }

 private:
  Ref capsule_, function_;
};

}  // namespace darkroom::py
