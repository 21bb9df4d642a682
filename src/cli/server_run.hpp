#pragma once
// A run on a server: the workflow goes there, its progress comes over the WebSocket, its files are fetched.

#include "cli/progress_view.hpp"
#include "cli/run_options.hpp"

namespace darkroom {

/// Runs the workflow on `options.server` and gives the files it saved in `options.output`. Ctrl-C stops the job there, a second
/// one leaves it. With `no_wait` it is only queued. `prompt_id`: gets the job's. Throws RunFailure.
std::vector<std::filesystem::path> run_on_server(const RunOptions& options, ProgressView& view, std::string& prompt_id);

}  // namespace darkroom
