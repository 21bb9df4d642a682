#pragma once
// Photographs restored here: the photo service's own graph on a worker that serves all of them.

#include <boost/asio/io_context.hpp>
#include <memory>

#include "cli/restorer.hpp"
#include "cli/run_options.hpp"

namespace darkroom {

/// Throws RunFailure.
std::unique_ptr<Restorer> make_local_restorer(asio::io_context& io, const RunOptions& run, RestoreWish wish);

}  // namespace darkroom
