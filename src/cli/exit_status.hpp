#pragma once
// What `darkroom run` says by its exit status. Scripts rely on these numbers.

#include <stdexcept>
#include <string>

namespace darkroom {

enum class RunStatus : int {
  kDone = 0,
  kInternal = 1,     ///< a fault of this program
  kUsage = 2,        ///< flags that can't be understood
  kWorkflow = 3,     ///< the file can't be read, an edit fits nothing, or validation refused the prompt
  kExecution = 4,    ///< a node failed
  kInterrupted = 5,  ///< stopped by Ctrl-C, by SIGTERM or on the server
  kUnreachable = 6,  ///< no server or no worker, or it was lost on the way
};

/// Ends a run; the text is for people and may have several lines.
struct RunFailure : std::runtime_error {
  RunFailure(RunStatus end, const std::string& text) : std::runtime_error(text), status(end) {}
  RunStatus status;
};

}  // namespace darkroom
