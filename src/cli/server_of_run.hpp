#pragma once
// The server that a command was told to work on.

#include "cli/run_options.hpp"
#include "client/client.hpp"
#include "client/transport.hpp"

namespace darkroom {

/// What speaks to `options.server`, with its token: as a client of the protocol, and request by request. Throw RunFailure(kUsage) for an
/// address, a certificate or a token that is none.
client::Client client_of(asio::any_io_executor io, const RunOptions& options);
Transport transport_of(asio::any_io_executor io, const RunOptions& options);

}  // namespace darkroom
