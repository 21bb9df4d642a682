#pragma once
// The last step of a node's validation (protocol.md §5.6): files that must exist, and the class's own validator.

#include "workflow/check_constant.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

/// Adds `custom_validation_failed` errors to `errors`. `inputs`: of the node, constants converted; null when it has none.
/// Throws validation::Raised when the validator raised or lacks an argument.
void validate_by_class(const NodeSchema& schema, const json::object* inputs, const json::object& received_types, ChoiceCache& lists,
                       const AskValidator& ask, json::array& errors);

}  // namespace darkroom
