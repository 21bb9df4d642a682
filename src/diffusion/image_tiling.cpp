#include "diffusion/image_tiling.hpp"

#include <algorithm>
#include <vector>

#include "diffusion/chance.hpp"

namespace darkroom {

at::Tensor ImageTiling::cut(const at::Tensor& tokens) const {
  const auto batch = tokens.size(0), channels = tokens.size(2);
  return tokens.reshape({batch, rows, height / rows, columns, width / columns, channels}).permute({0, 1, 3, 2, 4, 5})
      .reshape({batch * count(), -1, channels});
}

at::Tensor ImageTiling::join(const at::Tensor& tiles) const {
  const auto batch = tiles.size(0) / count(), channels = tiles.size(2);
  return tiles.reshape({batch, rows, columns, height / rows, width / columns, channels}).permute({0, 1, 3, 2, 4, 5})
      .reshape({batch, height * width, channels});
}

std::int64_t random_parts(std::int64_t side, std::int64_t least, std::int64_t choices, Chance& chance) {
  std::vector<std::int64_t> parts;
  for (auto size = std::min(least, side); size <= side && static_cast<std::int64_t>(parts.size()) < choices; ++size)
    if (side % size == 0) parts.push_back(side / size);
  const auto last = static_cast<std::int64_t>(parts.size()) - 1;
  return parts[last > 0 ? static_cast<std::size_t>(chance.integers(last, {1}).item<std::int64_t>()) : 0];
}

}  // namespace darkroom
