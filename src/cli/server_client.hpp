#pragma once
// HTTP requests and one WebSocket to a server, as coroutines. Beast stays behind this header.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"

namespace darkroom {

namespace asio = boost::asio;

/// Where a server listens: "http://host:port/base", also without the scheme.
struct ServerUrl {
  std::string host, port = "80", base;  ///< base: "" or "/api/x", without a slash at its end
  /// Throws InvalidInput for another scheme, a missing host or a port that is no number.
  static ServerUrl parse(std::string_view text);
  std::string authority() const;  ///< "host:port", an IPv6 address in brackets
};

/// Percent-encodes everything but letters, digits and "-._~".
std::string url_encoded(std::string_view text);

class ServerClient {
 public:
  ServerClient(asio::any_io_executor io, ServerUrl url);
  ~ServerClient();

  struct Reply {
    int status = 0;
    std::string body;
    /// The body as JSON. Throws Unavailable when it is none: then something else listens there.
    json::value as_json() const;
  };

  /// One request on a connection of its own. Throws Unavailable when there is no answer.
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
