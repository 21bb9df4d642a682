#include "restore/padding.hpp"

#include <ATen/ops/empty.h>

namespace darkroom {
namespace {

at::Tensor mirror_axis(const at::Tensor& image, std::int64_t axis, std::int64_t multiple) {
  const auto size = image.size(axis), padded = (size + multiple - 1) / multiple * multiple;
  if (size == padded) return image;
  auto index = at::empty({padded}, at::kLong);
  auto* at = index.mutable_data_ptr<std::int64_t>();
  const auto period = std::max<std::int64_t>(2 * (size - 1), 1);
  for (std::int64_t i = 0; i < padded; ++i) {
    const auto phase = i % period;
    at[i] = size == 1 ? 0 : phase < size ? phase : period - phase;
  }
  return image.index_select(axis, index);
}

}  // namespace

at::Tensor mirror_to_multiple(const at::Tensor& image, std::int64_t multiple) { return mirror_axis(mirror_axis(image, 2, multiple), 3, multiple); }

}  // namespace darkroom
