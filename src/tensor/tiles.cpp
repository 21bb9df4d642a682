#include "tensor/tiles.hpp"

#include <algorithm>

namespace darkroom {

std::vector<TileSpan> tile_spans(std::int64_t size, std::int64_t tile, std::int64_t overlap) {
  if (size <= tile) return {{0, size}};
  std::vector<TileSpan> spans;
  for (std::int64_t start = 0; start < size - overlap; start += tile - overlap) spans.push_back({start, std::min(tile, size - start)});
  return spans;
}

at::Tensor tile_ramp(std::int64_t length, std::int64_t feather) {
  auto weights = at::ones({length}, at::kFloat);
  if (feather >= length) return weights;
  auto* w = weights.mutable_data_ptr<float>();
  for (std::int64_t t = 0; t < feather; ++t) {
    const float share = static_cast<float>(static_cast<double>(t + 1) / static_cast<double>(feather));
    w[t] *= share;
    w[length - 1 - t] *= share;
  }
  return weights;
}

}  // namespace darkroom
