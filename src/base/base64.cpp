#include "base/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace darkroom {
namespace {

constexpr std::size_t kPiece = 3u << 20;  ///< encoded at a time; three bytes are four letters

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends each piece with a NUL
  std::size_t at = 0;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size())))
    at += static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()) + at,
                                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                                   static_cast<int>(std::min(kPiece, bytes.size()))));
  out.resize(at);
  return out;
}

}  // namespace darkroom
