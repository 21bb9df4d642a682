#pragma once
// The module _darkroom: what Python calls to be heard outside. It knows the calls of nodes that are under way.

#include "python/ref.hpp"

namespace darkroom {

class Context;

namespace py {

PyObject* make_bridge();

/// A node's call while it lasts: Python names it by its number. Of threads that belong to no call the latest one counts.
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

}  // namespace py
}  // namespace darkroom
