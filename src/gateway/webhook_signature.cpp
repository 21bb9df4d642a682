#include "gateway/webhook_signature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "identity/base64url.hpp"
#include "identity/secret_file.hpp"
#include "identity/signer.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kPrefix = "whsec_";
constexpr std::size_t kFewestBytes = 24, kMostBytes = 64, kBytes = 32;  // the specification's range, and what is made here

/// RFC 4648 §4, with padding.
std::string base64(std::string_view bytes) {
  std::string text = base64url(bytes);
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  return text.append((4 - text.size() % 4) % 4, '=');
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.find_first_of("-_") != text.npos) return std::nullopt;
  std::string other(text.substr(0, text.find_last_not_of('=') + 1));
  std::ranges::replace(other, '+', '-');
  std::ranges::replace(other, '/', '_');
  return base64url_decode(other);
}

}  // namespace

WebhookSecret WebhookSecret::parse(std::string_view text) {
  const std::string_view given = trim(text);
  const auto key = given.starts_with(kPrefix) ? base64_decode(given.substr(kPrefix.size())) : std::nullopt;
  if (!key || key->size() < kFewestBytes || key->size() > kMostBytes)
    throw InvalidInput(fmt::format("a webhook secret is {} and {} to {} bytes in base64", kPrefix, kFewestBytes, kMostBytes));
  return WebhookSecret(*key);
}

WebhookSecret WebhookSecret::of_file(const std::filesystem::path& file) {
  const std::string text = read_or_make_secret(file, [] { return fmt::format("{}{}\n", kPrefix, base64(random_bytes(kBytes))); });
  try {
    return parse(text);
  } catch (const InvalidInput& wrong) {
    throw InvalidInput(fmt::format("the file {}: {}", file.string(), wrong.what()));
  }
}

std::string WebhookSecret::sign(std::string_view id, std::int64_t timestamp, std::string_view body) const {
  return "v1," + base64(hmac_sha256(key_, fmt::format("{}.{}.{}", id, timestamp, body)));
}

}  // namespace darkroom
