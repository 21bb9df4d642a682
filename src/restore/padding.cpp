#include "restore/padding.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace darkroom {
namespace {

at::Tensor mirror_axis(const at::Tensor& image, std::int64_t axis, std::int64_t multiple) {
  const auto size = image.size(axis);
  const auto padded = (std::max<std::int64_t>(size, 2) + multiple - 1) / multiple * multiple;
  if (size == padded) return image;
  auto index = at::empty({padded}, at::kLong);
  auto* from = index.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < padded; ++i) from[i] = i < size ? i : std::max<std::int64_t>(0, 2 * (size - 1) - i);
  return image.index_select(axis, index);
}

}  // namespace

at::Tensor mirror_to_multiple(const at::Tensor& image, std::int64_t multiple) { return mirror_axis(mirror_axis(image, 2, multiple), 3, multiple); }

}  // namespace darkroom
