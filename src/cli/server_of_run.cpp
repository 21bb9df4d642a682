#include "cli/server_of_run.hpp"

#include "base/error.hpp"
#include "cli/exit_status.hpp"

namespace darkroom {

ServerClient client_of(asio::any_io_executor io, const RunOptions& options) {
  try {
    ServerClient client(std::move(io), ServerUrl::parse(options.server), options.tls_ca);
    client.use_token(options.token);
    return client;
  } catch (const InvalidInput& error) {
    throw RunFailure(RunStatus::kUsage, error.what());
  }
}

}  // namespace darkroom
