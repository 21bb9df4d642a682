#pragma once
// Do the types of two linked sockets meet? (protocol.md §5.5)

#include "base/json.hpp"

namespace darkroom {

/// `received`: the source's output type, `wanted`: the input's type. Each is a text ("IMAGE", "INT,FLOAT", "*") or, for a choice
/// of the old form, the list of its choices.
bool types_meet(const json::value& received, const json::value& wanted);

/// Python's `==` on JSON values: 1, 1.0 and true are equal.
bool python_equal(const json::value& a, const json::value& b);

}  // namespace darkroom
