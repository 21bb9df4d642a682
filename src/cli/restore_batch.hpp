#pragma once
// The photographs of a run, one after the other, on one restorer; each result is whole or not there.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/restore_plan.hpp"
#include "cli/restore_report.hpp"
#include "cli/restore_view.hpp"
#include "cli/restorer.hpp"

namespace darkroom {

/// How a run ended.
struct BatchEnd {
  RunStatus status = RunStatus::kDone;  ///< kExecution when one failed
  std::string why;                      ///< it did not come to its end: what stood in the way
};

/// Hears what became of a photograph as soon as it is known.
using TellOutcome = std::function<void(const PhotoOutcome&)>;
using MakeRestorer = std::function<std::unique_ptr<Restorer>(asio::io_context& io)>;

/// Restores what `tasks` says; the others are told of as they stand. The restorer is made only where there is something to do. Ctrl-C
/// ends the photograph at work and the run, a second one ends at once.
BatchEnd restore_all(const std::vector<RestoreTask>& tasks, bool overwrite, const MakeRestorer& make_restorer, RestoreView& view,
                     const TellOutcome& tell);

}  // namespace darkroom
