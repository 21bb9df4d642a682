// JwtKey: what OpenSSL does for JSON web tokens.

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "identity/base64url.hpp"
#include "identity/jwt.hpp"
#include "identity/signer.hpp"

namespace darkroom {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const { Free(object); }
};
using Pkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Bytes = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using ParamBuild = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

constexpr std::size_t kLeastSecret = 32;  ///< RFC 7518 §3.2: as long as the hash
constexpr int kLeastRsaBits = 2048;       ///< RFC 7518 §3.3
constexpr std::size_t kP256Bytes = 32;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

Pkey read_pem(const std::string& text, bool& is_private) {
  const auto open = [&text] { return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); };
  // A callback that gives no password: OpenSSL's own would ask on the terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  is_private = true;
  if (Pkey key{PEM_read_bio_PrivateKey(open().get(), nullptr, no_password, nullptr)}) return key;
  is_private = false;
  if (Pkey key{PEM_read_bio_PUBKEY(open().get(), nullptr, no_password, nullptr)}) return key;
  const Certificate certificate{PEM_read_bio_X509(open().get(), nullptr, no_password, nullptr)};
  return certificate ? Pkey(X509_get_pubkey(certificate.get())) : nullptr;
}

std::string member(const json::object& key, std::string_view name) {
  const auto decoded = base64url_decode(string_or(key, name, ""));
  if (!decoded || decoded->empty()) throw InvalidInput("a key of the JWKS has no valid \"" + std::string(name) + "\"");
  return *decoded;
}

Pkey make_key(const char* kind, OSSL_PARAM_BLD* build) {
  const Params params(OSSL_PARAM_BLD_to_param(build));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 || EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    throw InvalidInput("a key of the JWKS is none");
  return Pkey(key);
}

Pkey rsa_key(const json::object& jwk) {
  const std::string n = member(jwk, "n"), e = member(jwk, "e");
  const Number modulus(BN_bin2bn(bytes_of(n), static_cast<int>(n.size()), nullptr)), exponent(BN_bin2bn(bytes_of(e), static_cast<int>(e.size()), nullptr));
  const ParamBuild build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return make_key("RSA", build.get());
}

Pkey p256_key(const json::object& jwk) {
  const std::string x = member(jwk, "x"), y = member(jwk, "y");
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) throw InvalidInput("a key of the JWKS is no point of P-256");
  const std::string point = "\x04" + x + y;  // uncompressed
  const ParamBuild build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return make_key("EC", build.get());
}

bool is_p256(EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 && std::string_view(name.data(), size) == "prime256v1";
}

/// r and s side by side, as tokens have them (RFC 7518 §3.4), to OpenSSL's form. "" when they are none.
std::string der_of(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return "";
  const EcSignature both(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(signature), kP256Bytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(signature) + kP256Bytes, kP256Bytes, nullptr);
  ECDSA_SIG_set0(both.get(), r, s);
  std::string der(static_cast<std::size_t>(std::max(i2d_ECDSA_SIG(both.get(), nullptr), 0)), '\0');
  auto* end = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(both.get(), &end);
  return der;
}

std::string both_of(std::string_view der) {
  const unsigned char* begin = bytes_of(der);
  const EcSignature both(d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(der.size())));
  std::string out(2 * kP256Bytes, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), to, kP256Bytes) < 0 || BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), to + kP256Bytes, kP256Bytes) < 0)
    throw InternalError("an ECDSA signature can't be written");
  return out;
}

}  // namespace

struct JwtKey::PublicKey {
  Pkey key;
  bool is_private = false;
};

namespace {

JwtKey::Algorithm algorithm_of(EVP_PKEY* key) {
  const int kind = EVP_PKEY_get_base_id(key);
  if (kind == EVP_PKEY_RSA) {
    if (EVP_PKEY_get_bits(key) < kLeastRsaBits) throw InvalidInput("an RSA key for tokens must have at least 2048 bits");
    return JwtKey::Algorithm::kRs256;
  }
  if (kind == EVP_PKEY_EC && is_p256(key)) return JwtKey::Algorithm::kEs256;
  throw InvalidInput("a key for tokens must be an RSA key or one on the curve P-256");
}

}  // namespace

JwtKey JwtKey::secret(std::string bytes, std::string id) {
  if (bytes.size() < kLeastSecret) throw InvalidInput("a secret for tokens must have at least 32 bytes");
  JwtKey key;
  key.secret_ = std::move(bytes);
  key.id_ = std::move(id);
  return key;
}

JwtKey JwtKey::pem(const std::string& text, std::string id) {
  auto parsed = std::make_shared<PublicKey>();
  parsed->key = read_pem(text, parsed->is_private);
  if (!parsed->key) throw InvalidInput("no key or certificate in PEM form");
  JwtKey key;
  key.algorithm_ = algorithm_of(parsed->key.get());
  key.id_ = std::move(id);
  key.key_ = std::move(parsed);
  return key;
}

std::optional<JwtKey> JwtKey::jwk(const json::object& jwk) {
  const std::string kind = string_or(jwk, "kty", ""), use = string_or(jwk, "use", "sig"), algorithm = string_or(jwk, "alg", "");
  std::string id = string_or(jwk, "kid", "");
  const auto is_for = [&](std::string_view name) { return algorithm.empty() || algorithm == name; };
  if (use != "sig") return std::nullopt;
  if (kind == "oct" && is_for("HS256")) return secret(member(jwk, "k"), std::move(id));
  auto parsed = std::make_shared<PublicKey>();
  if (kind == "RSA" && is_for("RS256")) parsed->key = rsa_key(jwk);
  else if (kind == "EC" && string_or(jwk, "crv", "") == "P-256" && is_for("ES256")) parsed->key = p256_key(jwk);
  else return std::nullopt;
  JwtKey key;
  key.algorithm_ = algorithm_of(parsed->key.get());
  key.id_ = std::move(id);
  key.key_ = std::move(parsed);
  return key;
}

bool JwtKey::verifies(std::string_view text, std::string_view signature) const {
  if (algorithm_ == Algorithm::kHs256) return equal_in_constant_time(hmac_sha256(secret_, text), signature);
  std::string der;
  if (algorithm_ == Algorithm::kEs256) {
    der = der_of(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const Digest digest(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) == 1 &&
         EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
}

bool JwtKey::can_sign() const { return algorithm_ == Algorithm::kHs256 || key_->is_private; }

std::string JwtKey::sign(std::string_view text) const {
  if (algorithm_ == Algorithm::kHs256) return hmac_sha256(secret_, text);
  if (!can_sign()) throw InvalidInput("a public key can't sign tokens");
  const Digest digest(EVP_MD_CTX_new());
  std::size_t size = 0;
  std::string signature;
  const auto sign = [&](unsigned char* to) { return EVP_DigestSign(digest.get(), to, &size, bytes_of(text), text.size()) == 1; };
  bool done = EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_->key.get()) == 1 && sign(nullptr);
  if (done) {
    signature.resize(size);
    done = sign(reinterpret_cast<unsigned char*>(signature.data()));
  }
  if (!done) throw InternalError("a token could not be signed");
  signature.resize(size);
  return algorithm_ == Algorithm::kEs256 ? both_of(signature) : signature;
}

}  // namespace darkroom
