#pragma once
// A run without a server: one worker of its own over the link that the gateway uses, no port, no database.

#include "cli/progress_view.hpp"
#include "cli/run_options.hpp"

namespace darkroom {

/// Runs the workflow to its end and gives the files it left in `options.output`. Ctrl-C interrupts the node, a second one
/// ends at once. Throws RunFailure.
std::vector<std::filesystem::path> run_here(const RunOptions& options, ProgressView& view);

}  // namespace darkroom
