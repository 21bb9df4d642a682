#pragma once
// HTTP requests and one WebSocket to a server, plain or over TLS, as coroutines. Beast stays behind this header.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "cli/server_url.hpp"

namespace darkroom {

namespace asio = boost::asio;

class ServerClient {
 public:
  /// `tls_ca`: a PEM file with the authorities to trust for https; empty: those of the system. Throws InvalidInput when it can't be read.
  ServerClient(asio::any_io_executor io, ServerUrl url, const std::filesystem::path& tls_ca = {});
  ~ServerClient();

  struct Reply {
    int status = 0;
    std::string body;
    /// The body as JSON. Throws Unavailable when it is none: then something else listens there.
    json::value as_json() const;
  };

  /// One request on a connection of its own. Throws Unavailable when there is no answer, or when the server's certificate is not trusted.
  asio::awaitable<Reply> get(std::string target);
  asio::awaitable<Reply> post(std::string target, std::string body, std::string content_type = "application/json");

  /// Opens /ws?clientId=… Throws Unavailable.
  asio::awaitable<void> open_socket(std::string client_id);
  /// The next text message, pictures skipped. Nothing once the socket is closed.
  asio::awaitable<std::optional<std::string>> read_message();
  void close_socket();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkroom
