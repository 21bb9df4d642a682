#pragma once
// Hashes: 128 bits of XXH3 for keys inside the program, SHA-256 where other programs compare.

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace darkroom {

struct Hash128 {
  std::uint64_t high = 0, low = 0;
  auto operator<=>(const Hash128&) const = default;
};

/// Hash of bytes; chain by passing an earlier hash as the first bytes.
Hash128 hash128(std::string_view bytes);

std::string to_hex(std::string_view bytes);

/// SHA-256 fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string hex();  ///< ends the hash: 64 lower-case digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
/// Hash of a file's content. Throws NotFound when it can't be read.
std::string sha256_hex_of_file(const std::string& path);

}  // namespace darkroom

template <>
struct std::hash<darkroom::Hash128> {
  std::size_t operator()(const darkroom::Hash128& value) const noexcept { return value.low; }
};
