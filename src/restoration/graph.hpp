#pragma once
// The graph that does what somebody asked for: denoise, scratches, colour, size, sharpness, in this order.

#include <string>

#include "base/json.hpp"
#include "restoration/abilities.hpp"
#include "restoration/options.hpp"

namespace darkroom::restoration {

struct RestoreGraph {
  json::object prompt;       ///< API form
  std::string save_node;     ///< the id of the node whose picture is the result
  std::string model;         ///< the colouriser that is used; "" without colours
};

/// Fills in what `options` leaves open, and refuses what can't be done here: `nothing_to_do`, `no_model`, `bad_options` for a model
/// that is not installed. Called before the photograph is looked at.
void settle(RestoreOptions& options, const Abilities& abilities);

/// `photo`: the annotated name of the original in the input folder. `prefix`: of the result in the output folder.
/// `options` must be settled.
RestoreGraph build_graph(const RestoreOptions& options, const Abilities& abilities, const std::string& photo, const std::string& prefix);

}  // namespace darkroom::restoration
