#include "nodes/dataset_images.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <bitset>
#include <string>

#include "base/error.hpp"
#include "nodes/limits.hpp"
#include "nodes/resize.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kMiniature = 8;  // side of what pictures are compared by
using Marks = std::bitset<kMiniature * kMiniature>;

void require_picture(const at::Tensor& image) {
  if (image.dim() != 4 || image.numel() == 0) throw InvalidInput("images: expected [B,H,W,C], got " + describe(image));
}

at::Tensor lanczos(const at::Tensor& image, std::int64_t width, std::int64_t height) {
  return common_upscale(image.movedim(-1, 1), width, height, "lanczos", "disabled").movedim(1, -1);
}

/// Pillow's "L" of 8-bit red, green and blue: fixed point, rounded.
at::Tensor grey_bytes(const at::Tensor& image) {
  const at::Tensor levels = (image * 255.0).round().to(at::kInt);
  if (image.size(3) < 3) return levels.select(3, 0);
  return (levels.select(3, 0) * 19595 + levels.select(3, 1) * 38470 + levels.select(3, 2) * 7471 + 0x8000).bitwise_right_shift(16);
}

Marks marks_of(const at::Tensor& image) {
  require_picture(image);
  const at::Tensor grey = grey_bytes(lanczos(image.narrow(0, 0, 1), kMiniature, kMiniature)).contiguous();
  const int* level = grey.const_data_ptr<int>();
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < kMiniature * kMiniature; ++i) sum += level[i];
  Marks marks;
  for (std::size_t i = 0; i < marks.size(); ++i) marks[i] = level[i] * static_cast<std::int64_t>(marks.size()) > sum;
  return marks;
}

}  // namespace

at::Tensor through_bytes(const at::Tensor& image) { return (image * 255.0).clamp(0, 255).to(at::kByte).to(at::kFloat) / 255.0; }

at::Tensor crop_bytes(const at::Tensor& image, std::int64_t left, std::int64_t top, std::int64_t width, std::int64_t height) {
  return through_bytes(image.narrow(1, top, std::min(height, image.size(1) - top)).narrow(2, left, std::min(width, image.size(2) - left)));
}

at::Tensor resize_by_edge(const at::Tensor& image, std::int64_t edge, bool shorter) {
  require_picture(image);
  if (edge < 1) throw InvalidInput("images: an edge of " + std::to_string(edge) + " pixels");
  const std::int64_t width = image.size(2), height = image.size(1);
  const bool width_leads = shorter ? width < height : width > height;
  const std::int64_t lead = width_leads ? width : height, other = width_leads ? height : width;
  const std::int64_t follows = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(other) * (static_cast<double>(edge) / static_cast<double>(lead))));
  return width_leads ? lanczos(image, edge, follows) : lanczos(image, follows, edge);
}

std::vector<at::Tensor> deduplicate(const std::vector<at::Tensor>& images, double threshold) {
  std::vector<at::Tensor> kept;
  std::vector<Marks> seen;
  for (const auto& image : images) {
    const Marks marks = marks_of(image);
    const bool known = std::any_of(seen.begin(), seen.end(), [&](const Marks& other) {
      return 1.0 - static_cast<double>((marks ^ other).count()) / static_cast<double>(marks.size()) >= threshold;
    });
    if (known) continue;
    seen.push_back(marks);
    kept.push_back(image);
  }
  return kept;
}

at::Tensor image_grid(const std::vector<at::Tensor>& images, std::int64_t columns, std::int64_t cell_width, std::int64_t cell_height,
                      std::int64_t padding) {
  if (images.empty()) throw InvalidInput("images: a grid needs at least one image");
  if (columns < 1 || cell_width < 1 || cell_height < 1 || padding < 0) throw InvalidInput("columns, cell_width, cell_height, padding: must be positive");
  const std::int64_t rows = (static_cast<std::int64_t>(images.size()) + columns - 1) / columns;
  const std::int64_t height = rows * cell_height + (rows - 1) * padding, width = columns * cell_width + (columns - 1) * padding;
  check_tensor_size("columns, cell_width, cell_height", {1, height, width, 3});
  at::Tensor grid = at::zeros({1, height, width, 3}, at::kFloat);
  for (std::int64_t i = 0; const auto& image : images) {
    require_picture(image);
    if (image.size(3) < 3) throw InvalidInput("images: expected red, green and blue, got " + describe(image));
    const std::int64_t top = i / columns * (cell_height + padding), left = i % columns * (cell_width + padding);
    grid.narrow(1, top, cell_height).narrow(2, left, cell_width).copy_(lanczos(image.narrow(0, 0, 1), cell_width, cell_height).narrow(3, 0, 3));
    ++i;
  }
  return grid;
}

}  // namespace darkroom
