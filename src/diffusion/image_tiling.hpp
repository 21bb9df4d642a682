#pragma once
// HyperTile: self-attention in tiles of the image, of sizes that change by chance from layer to layer so that no seams stay.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

class Chance;

/// How many tiles of one size an image is cut into.
struct ImageTiling {
  std::int64_t rows = 1, columns = 1;  ///< of tiles
  std::int64_t height, width;          ///< of the image

  std::int64_t count() const { return rows * columns; }
  at::Tensor cut(const at::Tensor& tokens) const;   ///< [B,h*w,C] -> [B*count,h*w/count,C]
  at::Tensor join(const at::Tensor& tiles) const;   ///< back
};

/// In how many equal parts a side is cut: by chance one of the first `choices` of its divisors that are at least `least`, the last of them
/// left out when there are more than one.
std::int64_t random_parts(std::int64_t side, std::int64_t least, std::int64_t choices, Chance& chance);

}  // namespace darkroom
