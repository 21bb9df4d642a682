#pragma once
// A decoded picture: 8 bits a sample, colours and alpha apart, every frame of an animation of equal size.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace darkroom::imaging {

struct Picture {
  int width = 0, height = 0, frames = 1;
  std::vector<std::uint8_t> rgb;                   ///< frames x height x width x 3
  std::optional<std::vector<std::uint8_t>> alpha;  ///< frames x height x width; absent: the file has none

  std::size_t pixels() const { return static_cast<std::size_t>(width) * height * frames; }
};

}  // namespace darkroom::imaging
