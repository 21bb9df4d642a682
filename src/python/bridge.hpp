#pragma once
// The module _darkroom: what Python calls to be heard outside, and to use what is native (python/engine.hpp).

#include "python/ref.hpp"

namespace darkroom {

class PackLink;

namespace py {

PyObject* make_bridge();

/// By which messages go that belong to no call. Before anything of Python runs.
void use_link(PackLink& link);

}  // namespace py
}  // namespace darkroom
