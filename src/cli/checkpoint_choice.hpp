#pragma once
// Which checkpoint `darkroom txt2img` takes when none is named.

#include <string>
#include <vector>

#include "cli/run_options.hpp"

namespace darkroom {

/// Names of checkpoints where the run will be: in the models folders here, or as the server lists them.
/// Throws RunFailure when the server can't be asked.
std::vector<std::string> checkpoints_of(const RunOptions& options);

/// The first of `names`; `note` gets the line that says so. Throws RunFailure (kWorkflow), with what to do, when there is none.
std::string first_checkpoint(const std::vector<std::string>& names, std::string& note);

}  // namespace darkroom
