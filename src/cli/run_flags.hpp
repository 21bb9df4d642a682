#pragma once
// What the commands that run a workflow have in common: their flags, and the run itself.

#include "cli/exit_status.hpp"
#include "cli/run_options.hpp"

namespace CLI {
class App;
}

namespace darkroom {

/// The flags that name a server and who asks it; the server of the environment or the usual one where none is named.
void add_server_flags(CLI::App& command, RunOptions& options);

/// The flags that say where work is done: on a server, or here and with what.
void add_place_flags(CLI::App& command, RunOptions& options);

/// These, and where a workflow's pictures come from and its results go.
void add_run_flags(CLI::App& command, RunOptions& options);

/// Runs it with its progress on standard error; the paths of the results go to standard output.
RunStatus run_workflow(const RunOptions& options);

}  // namespace darkroom
