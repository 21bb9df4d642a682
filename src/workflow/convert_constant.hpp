#pragma once
// Conversion of a constant to the type of its input, as Python's int(), float(), str() and bool() do it (protocol.md §5.4).

#include <stdexcept>
#include <string_view>

#include "base/json.hpp"

namespace darkroom {

/// A constant does not convert; what() is the text of Python's exception.
struct ConversionError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The value that a node of this input type gets. INT, FLOAT, STRING and BOOLEAN convert, every other type passes as it is.
/// An integer that does not fit 64 bits is refused: JSON readers could not carry it.
/// FLOAT takes "nan" and "inf" as Python does; these have no JSON form, see `is_finite_json`.
json::value convert_constant(std::string_view type, const json::value& value);

/// Name of the Python type that a JSON value becomes: "int", "NoneType", "dict".
const char* python_type(const json::value& value);

/// Can the value be written as JSON without a loss (it is no NaN or infinity)?
bool is_finite_json(const json::value& value);

}  // namespace darkroom
