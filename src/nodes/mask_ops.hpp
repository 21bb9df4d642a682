#pragma once
// Arithmetic of masks: float32 [B,H,W], 0 keeps and 1 takes. Results are new tensors; arguments stay as they are.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace darkroom {

/// The rectangle at (x, y), cut at the mask's edge. Throws InvalidInput when nothing of the mask lies in it.
at::Tensor crop_mask(const at::Tensor& mask, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height);

/// Fades the edges: the i-th column from the left is multiplied by (i + 1) / left, and so on. Column and row number i from
/// the right and bottom are -i, as in ComfyUI: the first of them hits column 0.
at::Tensor feather_mask(const at::Tensor& mask, std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom);

/// Grows (expand > 0) or shrinks a grey mask by |expand| steps of a 3x3 square, without its corners when `tapered`.
/// What lies outside counts as the edge's own value. `check` is called once a step, so that it can be cancelled.
at::Tensor grow_mask(const at::Tensor& mask, std::int64_t expand, bool tapered, const std::function<void()>& check);

/// Puts `source` on `destination` at (x, y), what hangs over is cut, and clamps to 0..1. `operation`: "multiply", "add",
/// "subtract", or "and", "or", "xor" of the rounded values. A source of one mask serves a whole batch.
at::Tensor composite_masks(const at::Tensor& destination, const at::Tensor& source, std::int64_t x, std::int64_t y,
                           std::string_view operation);

/// 1 where an image [B,H,W,C] has exactly `color` (0xRRGGBB, each channel rounded to 8 bits).
at::Tensor mask_of_color(const at::Tensor& image, std::int64_t color);

/// All masks as one batch, those of another size than the first scaled to it.
at::Tensor batch_masks(const std::vector<at::Tensor>& masks);

}  // namespace darkroom
