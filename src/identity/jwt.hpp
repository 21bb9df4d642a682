#pragma once
// JSON web tokens (RFC 7519) signed with HS256, RS256 or ES256 (RFC 7518): who somebody is, told by whoever holds the key.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"

namespace darkroom {

/// A token that is not believed; what() says why, in words for its bearer.
struct BadToken : Error {
  explicit BadToken(const std::string& why) : Error(ErrorKind::kForbidden, why) {}
};

/// One key, and the only algorithm that it is used with: a public key is never taken for a secret.
class JwtKey {
 public:
  enum class Algorithm { kHs256, kRs256, kEs256 };

  /// HS256. Throws InvalidInput for less than 32 bytes.
  static JwtKey secret(std::string bytes, std::string id = "");
  /// RS256 or ES256 by what a PEM text holds: a public key, a certificate, or a private key, which signs too.
  /// Throws InvalidInput for another kind, for RSA below 2048 bits and for curves other than P-256.
  static JwtKey pem(const std::string& text, std::string id = "");
  /// A key of a JWKS (RFC 7517); nothing for one that is not for signatures, or of a kind that is not known here.
  /// Throws InvalidInput for a damaged one.
  static std::optional<JwtKey> jwk(const json::object& key);

  Algorithm algorithm() const { return algorithm_; }
  const std::string& id() const { return id_; }  ///< "kid"; "": any
  bool can_sign() const;
  bool verifies(std::string_view text, std::string_view signature) const;
  /// Throws InvalidInput when the key can't sign.
  std::string sign(std::string_view text) const;

 private:
  struct PublicKey;
  Algorithm algorithm_ = Algorithm::kHs256;
  std::string id_, secret_;
  std::shared_ptr<const PublicKey> key_;
};

/// The keys of a JWKS document. Throws InvalidInput when it is none.
std::vector<JwtKey> jwks_keys(std::string_view text);

/// What a token must say.
struct JwtRules {
  std::string audience;         ///< "": any
  std::string issuer;           ///< "": any
  std::int64_t leeway_s = 30;   ///< clocks may differ by so much
};

struct JwtClaims {
  std::string user;           ///< "sub"
  std::int64_t expires = 0;   ///< "exp", seconds since 1970
};

/// The claims of a token that one of the keys has signed. Throws BadToken.
JwtClaims verify_jwt(std::string_view token, const std::vector<JwtKey>& keys, const JwtRules& rules, std::int64_t now);

std::string sign_jwt(const JwtKey& key, const json::object& claims);

/// Limit: a JSON web token, bytes. Beyond: it is refused. Fixed: cookies and headers hold no more. Edge: Jwt.TokensHaveALimit.
constexpr std::size_t kLongestJwt = 8192;
/// Limit: name of a user in a token, bytes. Beyond: it is refused. Fixed: it is written with every job. Edge: Jwt.NamesHaveALimit.
constexpr std::size_t kLongestUser = 255;

}  // namespace darkroom
