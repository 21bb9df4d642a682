#pragma once
// What the dataset nodes do to pictures [B,H,W,C]. Crops, resizing and the rest that ComfyUI does by Pillow goes through
// 8 bits, truncated; each picture of a batch on its own.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace darkroom {

/// To 8 bits and back.
at::Tensor through_bytes(const at::Tensor& image);

/// The rectangle at (left, top) through 8 bits; sizes are cut to the picture's.
at::Tensor crop_bytes(const at::Tensor& image, std::int64_t left, std::int64_t top, std::int64_t width, std::int64_t height);

/// Scales so that the shorter (or longer) side becomes `edge`, the other one rounded down, at least 1. Lanczos.
at::Tensor resize_by_edge(const at::Tensor& image, std::int64_t edge, bool shorter);

/// The pictures that differ from all kept before: of 64 marks "brighter than the mean" of their 8x8 miniature, a share of less
/// than `threshold` agrees.
std::vector<at::Tensor> deduplicate(const std::vector<at::Tensor>& images, double threshold);

/// Pictures [1,H,W,3] scaled to cells, row by row on black with `padding` between cells: one picture.
at::Tensor image_grid(const std::vector<at::Tensor>& images, std::int64_t columns, std::int64_t cell_width, std::int64_t cell_height,
                      std::int64_t padding);

}  // namespace darkroom
