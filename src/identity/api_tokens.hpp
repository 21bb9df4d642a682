#pragma once
// Tokens that the server itself gives to programs: "dk_" and 43 letters. Only their hashes are kept, in one file of the data folder that
// the command `darkroom token` changes too, while a server runs.

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace darkroom {

struct ApiToken {
  std::string id;            ///< names it in lists: the beginning of its hash
  std::string user, label;
  std::int64_t created = 0, expires = 0;  ///< seconds since 1970; expires 0: never
};

/// Where a server keeps them, below its data folder.
std::filesystem::path api_tokens_file(const std::filesystem::path& base_directory);

/// Thread-safe. Looking blocks for a moment where the file has changed; making and revoking write it.
class ApiTokens {
 public:
  explicit ApiTokens(std::filesystem::path file) : file_(std::move(file)) {}

  /// Makes a token; its text is told this once. Throws InvalidInput for a name that no user may have, TooLarge when there are too many,
  /// Unavailable while another process holds the file.
  struct Made {
    std::string text;
    ApiToken token;
  };
  Made make(const std::string& user, const std::string& label, std::int64_t expires, std::int64_t now);
  /// The token of this text; nothing when there is none, or it has expired.
  std::optional<ApiToken> find(std::string_view text, std::int64_t now);
  /// By its id; nothing when it was revoked or has expired.
  std::optional<ApiToken> with_id(std::string_view id, std::int64_t now);
  /// Of one user, or with "" of all; the oldest first.
  std::vector<ApiToken> list(std::string_view user);
  /// False when this user ("": anybody) has no such token.
  bool revoke(std::string_view user, std::string_view id);

  static bool looks_like_one(std::string_view text) { return text.starts_with(kPrefix); }

 private:
  static constexpr std::string_view kPrefix = "dk_";
  struct Known {
    std::unordered_map<std::string, ApiToken> by_hash;  ///< SHA-256 of their text
    std::unordered_map<std::string, std::string> hashes;  ///< by id
  };
  Known read_file() const;
  void look();
  template <class Change>
  void change(Change make_change);

  const std::filesystem::path file_;
  std::mutex mutex_;
  std::int64_t changed_ = -1;  ///< the state of the file that has been read
  Known known_;
};

}  // namespace darkroom
