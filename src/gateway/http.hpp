#pragma once
// HTTP as routes see it: plain requests and responses. Beast stays behind server.cpp.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/json.hpp"
#include "gateway/identity.hpp"

namespace darkroom {

namespace asio = boost::asio;

/// A body that a route reads itself, piece by piece (uploads). Plain and chunked bodies alike.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// The next piece; empty at the end. Throws TooLarge past the limit of the route.
  virtual asio::awaitable<std::string_view> read() = 0;
  /// Nothing more will be read: ends what is still under way for it, and waits for that end.
  virtual asio::awaitable<void> finish() { co_return; }
};

/// The client at the other end of a request's connection.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string address() const = 0;  ///< "127.0.0.1"; "" when it can't be told any more
  virtual bool is_tls() const = 0;
  virtual bool is_gone() = 0;  ///< it closed the connection; not: only its sending half
};

struct Request {
  std::string method;
  std::string target;                                          ///< as on the wire: path and query, still encoded
  std::string path;                                            ///< decoded
  std::vector<std::pair<std::string, std::string>> params;     ///< captured segments, decoded: `{file}` → "workflows/a.json"
  std::vector<std::pair<std::string, std::string>> query;      ///< decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;    ///< names lower-cased
  std::string body;                                            ///< whole, unless the route streams
  BodyReader* stream = nullptr;
  Peer* peer = nullptr;  ///< as long as its reply is not written; null: nobody waits for one
  Connection connection;
  Identity who;                                                ///< who asks: gateway/gatekeeper.hpp

  std::string_view header(std::string_view lower_name) const;  ///< "" when absent
  const std::string& param(std::string_view name) const;
  const std::string* query_value(std::string_view name) const; ///< the first of that name, or null
  std::string query_or(std::string_view name, std::string_view fallback) const;
};

/// What the header Content-Length says; 0 without one.
std::uint64_t content_length(const Request& request);

/// A file to send: ranges, ETag, Last-Modified and conditional requests are the server's business.
struct FileBody {
  std::string path;
  std::string content_type;
};

class Stream;

/// A connection that is no more HTTP after its reply (101).
class Tunnel {
 public:
  virtual ~Tunnel() = default;
  /// Has the connection to itself until either side ends it. `rest`: bytes that came after the request.
  virtual asio::awaitable<void> run(Stream client, std::string rest) = 0;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::shared_ptr<const std::string> shared_body;  ///< instead of `body`: serialised once, sent to many
  std::optional<FileBody> file;                    ///< instead of both
  std::shared_ptr<BodyReader> stream;              ///< instead of all: sent piece by piece as it comes; one that throws ends the connection
  std::optional<std::uint64_t> stream_length;      ///< of `stream`; none: chunked
  std::shared_ptr<Tunnel> tunnel;                  ///< with status 101: what becomes of the connection
  std::function<void(bool written)> after_write;   ///< called once the reply is on the wire, or can't be any more

  Response& header(std::string name, std::string value);

  static Response empty(int status = 200);                      ///< Content-Length: 0, no Content-Type
  static Response text(int status, std::string body);           ///< text/plain; charset=utf-8
  static Response of_json(const json::value& value, int status = 200);
  static Response of_json_text(std::shared_ptr<const std::string> body);
  /// `{"error": {"type", "message", "details", "extra_info"}, "node_errors": {}}`
  static Response error(int status, std::string type, std::string message, std::string details = "");
  static Response of_file(std::string path, std::string content_type = "");
};

using Handler = std::function<asio::awaitable<Response>(Request&)>;

/// Who may use a route.
enum class Access {
  kUser,    ///< everybody whom the gatekeeper knows
  kPublic,  ///< everybody: logging in
  kAdmin,   ///< who runs this server
};

struct RouteOptions {
  bool api_too = true;          ///< also under /api (protocol.md §1.2)
  bool streams_body = false;    ///< the handler reads Request::stream
  std::optional<std::size_t> max_body;  ///< instead of --max-upload-size
  bool static_files = false;    ///< files below a folder: a missing one is cached as a found one (protocol.md §1.5)
  Access access = Access::kUser;
  bool websocket = false;       ///< an upgrade is taken by the server; the handler answers only plain requests
};

/// Routes that are not of this program. Asked for what no route of ours takes, before the fallback.
class OtherRoutes {
 public:
  virtual ~OtherRoutes() = default;
  enum class Guess {
    kNo,
    kPerhaps,  ///< nobody can tell yet: a file of the fallback goes first
    kYes,      ///< very likely: it goes before the fallback
  };
  /// Could one of them take this path (as on the wire, without the query)?
  virtual Guess guess(std::string_view raw_path) = 0;
  /// Its reply; nothing when there is no such route: `allowed` then gets the methods that it has for the path.
  virtual asio::awaitable<std::optional<Response>> answer(Request& request, std::vector<std::string>& allowed) = 0;
};

/// Finds the handler of a request. Patterns have `{name}` for one segment and `{name...}` for the rest; segments are split
/// before they are decoded, so that `workflows%2Fa.json` is one.
class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, RouteOptions options = {});
  /// What catches every other GET and HEAD: the editor's files.
  void set_fallback(Handler handler);
  void set_others(OtherRoutes& others) { others_ = &others; }

  struct Match {
    const Handler* handler = nullptr;  ///< null: no such path or method
    RouteOptions options;
    std::vector<std::pair<std::string, std::string>> params;
    std::vector<std::string> allowed;  ///< for 405: sorted, GET and HEAD always among them; empty: 404
    OtherRoutes* others = nullptr;     ///< to be asked before `handler`, which is the fallback then, or before 404 and 405
    OtherRoutes::Guess guess = OtherRoutes::Guess::kNo;
  };
  Match match(std::string_view method, std::string_view raw_path) const;

  struct Listed {
    std::string method, pattern;
    RouteOptions options;
  };
  /// What was added, in its order; what is below /api too is there once.
  const std::vector<Listed>& list() const { return listed_; }

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
    RouteOptions options;
  };
  struct PathHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view path) const { return std::hash<std::string_view>()(path); }
  };
  void add_path(const std::string& method, const std::string& pattern, const Handler& handler, const RouteOptions& options);

  std::unordered_map<std::string, std::vector<Route>, PathHash, std::equal_to<>> exact_;  ///< paths without captures
  std::vector<Route> patterns_;                                                           ///< the others, in the order of adding
  std::vector<Listed> listed_;
  Handler fallback_;
  OtherRoutes* others_ = nullptr;
};

/// Splits a request target and fills `target`, `path` and `query` of the request.
void set_target(Request& request, std::string_view target);

}  // namespace darkroom
