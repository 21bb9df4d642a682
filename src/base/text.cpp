#include "base/text.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace darkroom {

namespace {

/// Unpredictable bytes, each given once. Drawn by the kilobyte: a single draw costs as much whatever its length.
void random_bytes(char* out, std::size_t count) {
  thread_local std::array<unsigned char, 1024> pool;
  thread_local std::size_t used = pool.size();
  while (count > 0) {
    if (used == pool.size()) {
      if (RAND_bytes(pool.data(), static_cast<int>(pool.size())) != 1) throw InternalError("the random number generator does not work");
      used = 0;
    }
    const std::size_t part = std::min(count, pool.size() - used);
    std::memcpy(out, pool.data() + used, part);
    OPENSSL_cleanse(pool.data() + used, part);
    used += part;
    out += part;
    count -= part;
  }
}

}  // namespace

std::string random_hex(std::size_t digits) {
  std::string bytes((digits + 1) / 2, '\0');
  random_bytes(bytes.data(), bytes.size());
  return to_hex(bytes).substr(0, digits);
}

std::string uuid4() {
  std::string hex = random_hex(32);
  hex[12] = '4';
  static constexpr char kVariant[] = "89ab";
  hex[16] = kVariant[hex[16] & 3];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4), hex.substr(20));
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  static constexpr std::string_view kBlanks = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool starts_with_nocase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && lower(text.substr(0, prefix.size())) == lower(prefix);
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char c = text[i];
    const int length = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (int k = 1; k < length; ++k)
      if ((text[i + k] & 0xc0) != 0x80) return false;
    const unsigned char second = length > 1 ? text[i + 1] : 0;
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
      return false;  // overlong, surrogate, past U+10FFFF
    i += length;
  }
  return true;
}

}  // namespace darkroom
