#pragma once
// The module _darkroom: what Python calls to be heard outside, and to use what is native (python/engine.hpp).

#include "python/ref.hpp"

namespace darkroom::py {

PyObject* make_bridge();

}  // namespace darkroom::py
