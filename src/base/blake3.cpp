#include "base/blake3.hpp"

#include <blake3.h>

#include <array>
#include <fstream>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace darkroom {

struct Blake3::State {
  blake3_hasher hasher;
};

Blake3::Blake3() : state_(std::make_unique<State>()) { blake3_hasher_init(&state_->hasher); }
Blake3::~Blake3() = default;
Blake3::Blake3(Blake3&&) noexcept = default;
Blake3& Blake3::operator=(Blake3&&) noexcept = default;

void Blake3::update(std::string_view bytes) { blake3_hasher_update(&state_->hasher, bytes.data(), bytes.size()); }

std::string Blake3::hex() const {
  std::array<unsigned char, BLAKE3_OUT_LEN> digest;
  blake3_hasher_finalize(&state_->hasher, digest.data(), digest.size());
  return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string blake3_hex_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw NotFound("can't read " + path);
  Blake3 hash;
  std::array<char, 1 << 16> buffer;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0)
    hash.update({buffer.data(), static_cast<std::size_t>(file.gcount())});
  return hash.hex();
}

}  // namespace darkroom
