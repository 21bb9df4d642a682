#pragma once
// Which checkpoint `darkroom txt2img` takes when none is named, and how large its pictures are.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/run_options.hpp"

namespace darkroom {

/// Names of checkpoints where the run will be: in the models folders here, or as the server lists them.
/// Throws RunFailure when the server can't be asked.
std::vector<std::string> checkpoints_of(const RunOptions& options);

/// The first of `names` that is no demonstration, else the first; `note` gets the line that says so. Throws RunFailure (kWorkflow), with
/// what to do, when there is none.
std::string first_checkpoint(const std::vector<std::string>& names, std::string& note);

/// Width and height that the checkpoint was made for, pixels, as its head says (`resolution_of`); kUsualResolution where it says nothing.
/// Throws RunFailure when the server can't be asked.
std::pair<std::int64_t, std::int64_t> native_size(const RunOptions& options, const std::string& checkpoint);

}  // namespace darkroom
