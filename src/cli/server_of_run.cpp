#include "cli/server_of_run.hpp"

#include "base/error.hpp"
#include "cli/exit_status.hpp"

namespace darkroom {

client::Client client_of(asio::any_io_executor io, const RunOptions& options) {
  try {
    client::ClientOptions wish;
    wish.client_id = options.client_id;
    wish.token = options.token;
    wish.tls_ca = options.tls_ca;
    return client::Client(std::move(io), ServerUrl::parse(options.server), std::move(wish));
  } catch (const InvalidInput& error) {
    throw RunFailure(RunStatus::kUsage, error.what());
  }
}

Transport transport_of(asio::any_io_executor io, const RunOptions& options) {
  try {
    Transport client(std::move(io), ServerUrl::parse(options.server), options.tls_ca);
    client.use_token(options.token);
    return client;
  } catch (const InvalidInput& error) {
    throw RunFailure(RunStatus::kUsage, error.what());
  }
}

}  // namespace darkroom
