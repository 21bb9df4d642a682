#include "identity/signer.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

#include "base/error.hpp"
#include "identity/base64url.hpp"
#include "identity/secret_file.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kSecretBytes = 32;
/// Limit: a cookie, ticket or signed link, bytes. Beyond: it is taken for none. Fixed: those given out have some hundred. Edge:
/// Signer.TextsHaveALimit.
constexpr std::size_t kLongestText = 4096;

/// Limit: cookies, tickets and links that are remembered as good. Beyond: all are checked anew. Fixed: bounds the memory of the gateway.
/// Edge: Signer.RemembersALimitedNumberOfTexts.
constexpr std::size_t kMaxGood = 4096;

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned int size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), sum.data(), &size))
    throw InternalError("HMAC failed");
  return {reinterpret_cast<const char*>(sum.data()), size};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) throw InternalError("the system has no random numbers");
  return bytes;
}

Signer Signer::of_file(const std::filesystem::path& file) {
  std::string secret = read_or_make_secret(file, [] { return random_bytes(kSecretBytes); });
  if (secret.size() != kSecretBytes)
    throw InvalidInput("the file " + file.string() + " is no secret of this server: remove it, and everybody has to log in anew");
  return Signer(std::move(secret));
}

std::string Signer::seal(std::string_view purpose, std::string_view payload) const {
  std::string text(purpose);
  text += '\n';
  text += payload;
  return base64url(hmac_sha256(secret_, text));
}

std::string Signer::sign(std::string_view purpose, const json::object& claims) const {
  std::string text = base64url(dump(json::value(claims)));
  const std::string seal = this->seal(purpose, text);
  return text + "." + seal;
}

std::optional<json::object> Signer::verify(std::string_view purpose, std::string_view text, std::int64_t now) const {
  const auto dot = text.find('.');
  if (text.size() > kLongestText || dot == std::string_view::npos) return std::nullopt;
  std::string key(purpose);
  (key += '\n') += text;
  auto found = good_.find(key);
  if (found == good_.end()) {
    const std::string_view payload = text.substr(0, dot);
    if (!equal_in_constant_time(seal(purpose, payload), text.substr(dot + 1))) return std::nullopt;
    const auto decoded = base64url_decode(payload);
    if (!decoded) return std::nullopt;
    if (good_.size() >= kMaxGood) good_.clear();
    found = good_.emplace(std::move(key), parse_json(*decoded).as_object()).first;
  }
  const std::int64_t expires = int_or(found->second, "exp", 0);
  if (expires > 0 && now >= expires) return std::nullopt;
  return found->second;
}

}  // namespace darkroom
