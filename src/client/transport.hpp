#pragma once
// HTTP requests and one WebSocket to a server, plain or over TLS, as coroutines. Beast stays behind this header.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "client/server_url.hpp"

namespace boost::asio::ssl {
class context;
}

namespace darkroom {

namespace asio = boost::asio;

class Transport {
 public:
  using Clock = std::chrono::steady_clock;
  /// Where a host listens. What it throws ends the request.
  using Lookup = std::function<asio::awaitable<std::vector<asio::ip::tcp::endpoint>>(std::string host, std::string port)>;
  /// Whom to trust in https; may be shared by many.
  using Trust = std::shared_ptr<asio::ssl::context>;
  /// The authorities of a PEM file, or of the system. Throws InvalidInput when it can't be read.
  static Trust trust_in(const std::filesystem::path& file);

  /// `tls_ca`: a PEM file with the authorities to trust for https; empty: those of the system. Throws InvalidInput when it can't be read.
  /// `proxy`: every connection goes through it, TLS in a tunnel that it opens (CONNECT).
  Transport(asio::any_io_executor io, ServerUrl url, const std::filesystem::path& tls_ca = {}, std::optional<ServerUrl> proxy = {});
  /// How a server is reached that is not asked for by its name alone.
  struct Way {
    Trust trust;            ///< not null
    Lookup lookup;          ///< the connection is made to what it gives, and to nothing else
    Clock::time_point end;  ///< of every request, however its pieces come
  };
  Transport(asio::any_io_executor io, ServerUrl url, Way way);
  Transport(Transport&&) noexcept;
  ~Transport();

  /// Says who asks: get(), post(), remove() and open_socket() send it from now on, fetch() never, as with the cookies that the server
  /// gives. "" for nobody. Throws InvalidInput for one that can't stand in a header.
  void use_token(std::string token);

  struct Reply {
    int status = 0;
    std::string body;
    int retry_after = 0;  ///< seconds that the server asks to wait; 0: not said
    /// The body as JSON. Throws Unavailable when it is none: then something else listens there.
    json::value as_json() const;
  };

  /// Hears how many bytes of a body have been sent.
  using Sent = std::function<void(std::size_t bytes)>;

  /// One request on a connection of its own. Throws Unavailable when there is no answer, or when the server's certificate is not trusted,
  /// Forbidden when the server wants another token or one at all (401).
  asio::awaitable<Reply> get(std::string target);
  asio::awaitable<Reply> post(std::string target, std::string body, std::string content_type = "application/json", Sent sent = {});
  asio::awaitable<Reply> remove(std::string target);  ///< DELETE

  /// Status and header fields of a reply; names in lower case.
  struct Head {
    int status = 0;
    std::map<std::string, std::string> fields;
    std::string field(const std::string& name) const;  ///< empty: not there
  };
  /// Takes a reply as it comes. What it throws ends the request.
  struct Reader {
    virtual ~Reader() = default;
    virtual bool head(const Head& head) = 0;  ///< false: the body is not wanted, the connection is closed
    virtual void piece(std::string_view bytes) = 0;
  };
  /// One GET with further header fields, its body to `reader` in pieces. Throws Unavailable as get() does, also for a body that is cut off.
  asio::awaitable<void> fetch(std::string target, std::map<std::string, std::string> fields, Reader& reader);

  /// One POST in the same way. Neither follows redirects.
  asio::awaitable<void> send(std::string target, std::map<std::string, std::string> fields, std::string body, Reader& reader);

  /// Opens a WebSocket at `target`, in place of the one before. Throws Unavailable, and Forbidden as get() does.
  asio::awaitable<void> open_socket(std::string target);
  /// Sends a text message, where a socket is open. A connection that breaks meanwhile is seen by read_message().
  asio::awaitable<void> send_message(std::string text);
  /// The next text message. Nothing once the socket is closed.
  asio::awaitable<std::optional<std::string>> read_message();
  /// Who gets the binary messages that read_message() comes across; they are dropped without one.
  void on_binary(std::function<void(std::string_view bytes)> listener);
  void close_socket();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace darkroom
