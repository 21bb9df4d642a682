#pragma once
// BLAKE3 (32 bytes, without a key), for those who name files by it.

#include <memory>
#include <string>
#include <string_view>

namespace darkroom {

/// Fed piece by piece.
class Blake3 {
 public:
  Blake3();
  ~Blake3();
  Blake3(Blake3&&) noexcept;
  Blake3& operator=(Blake3&&) noexcept;
  void update(std::string_view bytes);
  std::string hex() const;  ///< of what came so far: 64 lower-case digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Hash of a file's content. Throws NotFound when it can't be read.
std::string blake3_hex_of_file(const std::string& path);

}  // namespace darkroom
