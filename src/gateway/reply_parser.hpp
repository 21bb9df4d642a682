#pragma once
// An incremental parser of HTTP replies, for those that packs' routes give. One object reads one reply. Beast stays behind this header.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace darkroom {

/// Limit: status line and headers of a reply of a pack's route, bytes. Beyond: 502. Fixed: as much as a request may have. Edge:
/// PackRoutesTest.AReplyWhoseHeadIsTooLongIs502.
constexpr std::size_t kMaxReplyHeadBytes = 64u << 10;

class ReplyParser {
 public:
  /// `to_head`: the request was HEAD, so no body follows whatever the head says.
  explicit ReplyParser(bool to_head);
  ~ReplyParser();

  enum class Fault { kNone, kNeedsMore, kMalformed };
  /// Takes what it can of `bytes` and says how many these were. What belongs to the body is appended to `body`.
  std::size_t put(std::string_view bytes, std::string& body, Fault& fault);
  /// The connection ended. False when the reply is not complete then.
  bool put_end();

  bool is_header_done() const;
  bool is_done() const;
  int status() const;
  std::optional<std::uint64_t> content_length() const;
  const std::vector<std::pair<std::string, std::string>>& headers() const;  ///< names as sent

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace darkroom
