// What strangers send to be believed: JSON web tokens, key sets, signed texts. Nothing passes that was not signed.

#include "base/error.hpp"
#include "fuzz.hpp"
#include "identity/base64url.hpp"
#include "identity/jwt.hpp"
#include "identity/signer.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

const JwtKey& key() {
  static const JwtKey one = JwtKey::secret("0123456789abcdef0123456789abcdef");
  return one;
}
const std::string& good_token() {
  static const std::string token = sign_jwt(key(), {{"sub", "anna"}, {"exp", kNow + 60}});
  return token;
}
const Signer& signer() {
  static const Signer one("secret");
  return one;
}
const std::string& good_text() {
  static const std::string text = signer().sign("session", {{"user", "anna"}, {"exp", kNow + 60}});
  return text;
}

void try_one(std::string_view bytes) {
  try {
    const JwtClaims claims = verify_jwt(bytes, {key()}, {}, kNow);
    fuzz_check(bytes == good_token() && claims.user == "anna", "a token passes that was not signed");
  } catch (const Error&) {
    // refused
  }
  fuzz_check(!signer().verify("session", bytes, kNow) || bytes == good_text(), "a text passes that was not signed");
  const auto decoded = base64url_decode(bytes);
  fuzz_check(!decoded || base64url(*decoded) == bytes, "two texts for the same bytes");
  try {
    jwks_keys(bytes);
  } catch (const Error&) {
    // refused
  }
}

}  // namespace
}  // namespace darkroom

using namespace darkroom;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try_one(view_of(data, size));
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {good_token(),
          good_text(),
          R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}]})",
          R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})",
          R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS256"}]})",
          base64url(R"({"alg":"none"})") + ".e30."};
}

std::vector<std::string> fuzz_words() { return {".", "..", "e30", base64url(R"({"alg":"HS256"})"), "\"kty\":", "\"RSA\"", "\"EC\"", "AQAB", "=", "_-"}; }
