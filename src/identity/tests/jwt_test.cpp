#include "identity/jwt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "identity/base64url.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free_all(bio);
  return text;
}

/// A fresh key pair as PEM texts.
struct KeyPair {
  std::string private_pem, public_pem;

  static KeyPair make(EVP_PKEY* key) {
    BIO* secret = BIO_new(BIO_s_mem());
    BIO* open = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_PUBKEY(open, key);
    EVP_PKEY_free(key);
    return {text_of(secret), text_of(open)};
  }
  static KeyPair rsa(unsigned int bits) { return make(EVP_RSA_gen(bits)); }
  static KeyPair ec(const char* curve) { return make(EVP_EC_gen(curve)); }
};

const JwtKey& secret() {
  static const JwtKey key = JwtKey::secret("0123456789abcdef0123456789abcdef");
  return key;
}

json::object claims(json::object more = {}) {
  json::object out{{"sub", "anna"}, {"exp", kNow + 60}};
  for (const auto& [name, value] : more) out[name] = value;
  return out;
}

std::string refusal_of(const std::string& token, const std::vector<JwtKey>& keys = {secret()}, const JwtRules& rules = {}) {
  try {
    verify_jwt(token, keys, rules, kNow);
  } catch (const BadToken& why) {
    return why.what();
  }
  return "";
}

TEST(Jwt, TakesTheThreeAlgorithms) {
  const KeyPair rsa = KeyPair::rsa(2048), ec = KeyPair::ec("P-256");
  const std::vector<JwtKey> keys{secret(), JwtKey::pem(rsa.public_pem), JwtKey::pem(ec.public_pem)};
  for (const JwtKey& signer : {secret(), JwtKey::pem(rsa.private_pem), JwtKey::pem(ec.private_pem)}) {
    const std::string token = sign_jwt(signer, claims());
    const JwtClaims read = verify_jwt(token, keys, {}, kNow);
    EXPECT_EQ(read.user, "anna");
    EXPECT_EQ(read.expires, kNow + 60);
    std::string changed = token;
    changed[token.find('.') + 3] ^= 1;
    EXPECT_NE(refusal_of(changed, keys), "");
    EXPECT_NE(refusal_of(token.substr(0, token.size() - 4), keys), "");
    EXPECT_NE(refusal_of(token, {}), "") << "no key";
  }
  EXPECT_THROW(JwtKey::pem(rsa.public_pem).sign("x"), InvalidInput);
}

// The token of RFC 7515 A.1 (HS256), with its key; it expired in 2011.
TEST(Jwt, ReadsTheTokenOfTheStandard) {
  const auto key = base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(refusal_of(token, {JwtKey::secret(*key)}), "The token has expired");
  EXPECT_EQ(refusal_of(token), "The token is not signed by a key of this server");
}

// What breaks libraries: a key is used with its own algorithm alone.
TEST(Jwt, AlgorithmsAreNotConfused) {
  const KeyPair rsa = KeyPair::rsa(2048);
  const JwtKey public_key = JwtKey::pem(rsa.public_pem);
  const std::string forged = sign_jwt(JwtKey::secret(rsa.public_pem), claims());  // the public key as a secret
  EXPECT_NE(refusal_of(forged, {public_key}), "");
  const std::string payload = base64url(R"({"sub":"anna","exp":1800000060})");
  for (const char* header : {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"HS512"})", R"({})", R"({"alg":7})"})
    for (const char* signature : {"", "AAAA"}) EXPECT_NE(refusal_of(base64url(header) + "." + payload + "." + signature), "") << header;
  // An ES256 signature of zeros, which some have taken for good.
  const KeyPair ec = KeyPair::ec("P-256");
  EXPECT_NE(refusal_of(base64url(R"({"alg":"ES256"})") + "." + payload + "." + base64url(std::string(64, '\0')), {JwtKey::pem(ec.public_pem)}), "");
}

TEST(Jwt, TimesHaveALeeway) {
  const auto with = [](json::object more) { return sign_jwt(secret(), claims(std::move(more))); };
  const JwtRules rules{.leeway_s = 10};
  EXPECT_EQ(refusal_of(with({{"exp", kNow - 9}}), {secret()}, rules), "");
  EXPECT_EQ(refusal_of(with({{"exp", kNow - 10}}), {secret()}, rules), "The token has expired");
  EXPECT_EQ(refusal_of(with({{"nbf", kNow + 10}}), {secret()}, rules), "");
  EXPECT_EQ(refusal_of(with({{"nbf", kNow + 11}}), {secret()}, rules), "The token is not valid yet");
  EXPECT_EQ(refusal_of(with({{"exp", static_cast<double>(kNow) + 0.5}})), "");
  for (const json::value& odd : {json::value("soon"), json::value(nullptr), json::value(json::array{})})
    EXPECT_EQ(refusal_of(with({{"exp", odd}})), "The token's exp is no time");
  EXPECT_EQ(refusal_of(sign_jwt(secret(), {{"sub", "anna"}})), "The token has no time of expiry");
  EXPECT_EQ(refusal_of(with({{"exp", 1e300}})), "");
}

TEST(Jwt, AudienceAndIssuer) {
  const auto with = [](json::object more) { return sign_jwt(secret(), claims(std::move(more))); };
  const JwtRules rules{.audience = "darkroom", .issuer = "idp"};
  EXPECT_EQ(refusal_of(with({{"aud", "darkroom"}, {"iss", "idp"}}), {secret()}, rules), "");
  EXPECT_EQ(refusal_of(with({{"aud", json::array{"other", "darkroom"}}, {"iss", "idp"}}), {secret()}, rules), "");
  EXPECT_EQ(refusal_of(with({{"aud", "other"}, {"iss", "idp"}}), {secret()}, rules), "The token is for another audience");
  EXPECT_EQ(refusal_of(with({{"iss", "idp"}}), {secret()}, rules), "The token is for another audience");
  EXPECT_EQ(refusal_of(with({{"aud", "darkroom"}, {"iss", "else"}}), {secret()}, rules), "The token is from another issuer");
  EXPECT_EQ(refusal_of(with({{"aud", "anything"}})), "") << "no audience configured";
}

TEST(Jwt, NamesHaveALimit) {
  const auto named = [](const json::value& name) { return refusal_of(sign_jwt(secret(), {{"sub", name}, {"exp", kNow + 60}})); };
  EXPECT_EQ(named(json::value(std::string(kLongestUser, 'a'))), "");
  EXPECT_EQ(named(json::value(std::string(kLongestUser + 1, 'a'))), "The token's user is no name");
  EXPECT_EQ(named(json::value(std::string("a\0b", 3))), "The token's user is no name");
  EXPECT_EQ(named(""), "The token names no user");
  EXPECT_EQ(named(7), "The token names no user");
  for (const char* reserved : {"local", "visitor:1", "comfy-user:anna"}) EXPECT_THAT(named(reserved), testing::HasSubstr("keeps for itself"));
}

TEST(Jwt, TokensHaveALimit) {
  const auto sized = [](std::size_t bytes) { return std::string(bytes, 'a'); };
  EXPECT_EQ(refusal_of(sized(kLongestJwt + 1)), "The token is too long");
  EXPECT_EQ(refusal_of(sized(kLongestJwt)), "The token is no JSON web token");
}

TEST(Jwt, RefusesWhatIsNone) {
  for (const char* text : {"", ".", "..", "a.b", "a.b.c.d", "a.b.c", "e30.e30.", "bnVsbA.e30.AA", "{}.{}.{}"}) EXPECT_NE(refusal_of(text), "") << text;
  EXPECT_EQ(refusal_of(base64url(R"({"alg":"HS256","crit":["exp"]})") + ".e30.AA"), "The token asks for an extension that is not known here");
}

TEST(JwtKey, RefusesWeakKeys) {
  EXPECT_THROW(JwtKey::secret(std::string(31, 'a')), InvalidInput);
  EXPECT_NO_THROW(JwtKey::secret(std::string(32, 'a')));
  EXPECT_THROW(JwtKey::pem(KeyPair::rsa(1024).public_pem), InvalidInput);
  EXPECT_THROW(JwtKey::pem(KeyPair::ec("P-384").public_pem), InvalidInput);
  for (const char* text : {"", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}) EXPECT_THROW(JwtKey::pem(text), InvalidInput);
}

// Keys of RFC 7515 A.2 and A.3, whose tokens there are these.
TEST(Jwks, ReadsTheKeysOfTheStandard) {
  const std::string document = R"({"keys": [
    {"kty": "EC", "crv": "P-256", "kid": "e", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
    {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"}, {"kty": "RSA", "alg": "RS512", "n": "AQAB", "e": "AQAB"}]})";
  const auto keys = jwks_keys(document);
  ASSERT_EQ(keys.size(), 1U) << "keys that are not for this are left out";
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  EXPECT_EQ(refusal_of(token, keys), "The token has expired") << "its signature is good";
  std::string changed = token;
  changed[40] ^= 1;
  EXPECT_EQ(refusal_of(changed, keys), "The token is not signed by a key of this server");
}

TEST(Jwks, RefusesDamagedOnes) {
  for (const char* text : {"", "[]", "{}", R"({"keys": 1})", R"({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]})",
                           R"({"keys": [{"kty": "RSA", "n": "", "e": "AQAB"}]})", R"({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]})",
                           R"({"keys": [{"kty": "oct", "k": "c2hvcnQ"}]})"})
    EXPECT_THROW(jwks_keys(text), InvalidInput) << text;
}

TEST(Jwks, AKeyIdChoosesTheKey) {
  const JwtKey first = JwtKey::secret(std::string(32, 'a'), "one"), second = JwtKey::secret(std::string(32, 'b'), "two");
  EXPECT_EQ(refusal_of(sign_jwt(second, claims()), {first, second}), "");
  EXPECT_NE(refusal_of(sign_jwt(second, claims()), {first}), "");
  const JwtKey renamed = JwtKey::secret(std::string(32, 'b'), "three");
  EXPECT_NE(refusal_of(sign_jwt(renamed, claims()), {second}), "") << "the same secret under another id";
}

}  // namespace
}  // namespace darkroom
