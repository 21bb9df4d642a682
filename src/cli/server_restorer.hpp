#pragma once
// Photographs restored on a server, through its photo service (docs/restore-api.md).

#include <boost/asio/io_context.hpp>
#include <memory>

#include "cli/restorer.hpp"
#include "cli/run_options.hpp"

namespace darkroom {

/// Nothing of a photograph stays on the server once its result has come, it has failed, or it was given up. Throws RunFailure.
std::unique_ptr<Restorer> make_server_restorer(asio::io_context& io, const RunOptions& run, RestoreWish wish);

}  // namespace darkroom
