#pragma once
// Texts that this server gives out and later believes again: cookies, tickets, links to results. HMAC-SHA256 under one secret of the server.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.hpp"

namespace darkroom {

/// HMAC-SHA256 (RFC 2104): 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);
/// Takes as long whatever they hold.
bool equal_in_constant_time(std::string_view a, std::string_view b);
/// Bytes that nobody can guess. Throws InternalError when the system has none.
std::string random_bytes(std::size_t count);

/// For one thread.
class Signer {
 public:
  explicit Signer(std::string secret) : secret_(std::move(secret)) {}
  /// With the secret kept in `file`, which is made if it is not there: 32 random bytes that only the owner may read.
  /// Throws Forbidden when it can't be read or made, InvalidInput when it holds something else.
  static Signer of_file(const std::filesystem::path& file);

  /// `claims` as text that verify() of the same purpose takes back. With "exp" (seconds since 1970) until then.
  std::string sign(std::string_view purpose, const json::object& claims) const;
  /// The claims; nothing for a text that was not made here, or for another purpose, or that has expired at `now` (seconds).
  std::optional<json::object> verify(std::string_view purpose, std::string_view text, std::int64_t now) const;

  /// How many texts are remembered as good.
  std::size_t remembered() const { return good_.size(); }

 private:
  std::string seal(std::string_view purpose, std::string_view payload) const;
  std::string secret_;
  mutable std::unordered_map<std::string, json::object> good_;  ///< verified, by purpose and text: a browser sends its cookie with every request
};

}  // namespace darkroom
