#pragma once
// Classes of packs as node classes of ours: schema, calls, marks and validators.

#include "python/ref.hpp"
#include "worker/node.hpp"

namespace darkroom::py {

/// What darkroom_host.NodeInfo describes. With the lock held.
NodeClass node_class(PyObject* info);

/// An async call of this number is done: its outputs, or its exception, go to who waits for them. With the lock held.
void finish_later(long number, PyObject* result, PyObject* exception);

}  // namespace darkroom::py
