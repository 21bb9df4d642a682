#pragma once
// The server that a command was told to work on.

#include "cli/run_options.hpp"
#include "cli/server_client.hpp"

namespace darkroom {

/// A client for `options.server`, with its token. Throws RunFailure(kUsage) for an address, a certificate or a token that is none.
ServerClient client_of(asio::any_io_executor io, const RunOptions& options);

}  // namespace darkroom
