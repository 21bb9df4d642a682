#pragma once
// An incremental HTTP parser that writes straight into a Request. One object reads one message. Beast stays behind this header.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

struct Request;

/// Limit: request line and headers together, bytes. Beyond: 431 and the end of the connection. Fixed: many times what browsers send. Edge:
/// ServerLimits.HeaderBytes.
constexpr std::size_t kMaxHeaderBytes = 64u << 10;
/// Limit: header fields of a request. Beyond: 431 and the end of the connection. Fixed: many times what browsers send. Edge:
/// ServerLimits.HeaderFields.
constexpr std::size_t kMaxHeaders = 200;

class RequestParser {
 public:
  explicit RequestParser(Request& request);
  ~RequestParser();

  enum class Fault { kNone, kNeedsMore, kTooLong, kMalformed };
  /// Takes what it can of `bytes` and says how many these were.
  std::size_t put(std::string_view bytes, Fault& fault);

  /// Where body bytes go, and how many may come in all.
  void set_body_sink(std::string& sink, std::size_t limit);
  bool too_large() const;  ///< the body had more than the limit

  bool got_some() const;  ///< of the message
  bool is_header_done() const;
  bool is_done() const;
  bool keep_alive() const;
  bool http_1_0() const;
  bool expects_continue() const;
  std::optional<std::uint64_t> content_length() const;
  std::optional<std::uint64_t> content_length_remaining() const;

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
  std::size_t head_bytes_ = 0;
};

}  // namespace darkroom
