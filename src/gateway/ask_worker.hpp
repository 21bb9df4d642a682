#pragma once
// Lets the validation of a prompt, which runs on the blocking pool, ask a worker for what a class's own validator says.

#include <boost/asio/any_io_executor.hpp>

#include "workflow/validate.hpp"

namespace darkroom {

class WorkerPool;

/// The question is put on `io`, where the pool of workers lives; the calling thread waits for the answer, 6 s at most.
/// Throws RaisedInValidator for a validator that raised, Unavailable when no worker answers.
AskValidator ask_worker(WorkerPool& workers, boost::asio::any_io_executor io);

}  // namespace darkroom
