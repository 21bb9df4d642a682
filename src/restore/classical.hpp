#pragma once
// Restoration without networks, by OpenCV: noise, scratches, sharpness. Images are float32 [B,H,W,3] in 0..1, on the processor; each
// picture of a batch is treated alone. All throw InvalidInput for other shapes.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace darkroom {

/// Called between pieces of work: may throw to stop, and is told how many of how many are done.
using ClassicalProgress = std::function<void(std::int64_t value, std::int64_t max)>;

/// Non-local means. `sigma`: standard deviation of the noise in 8-bit steps, 0 to 75; 0 gives the image back. A picture whose channels are equal
/// stays grey. Works on 8-bit steps and adds what it took away to the full depth. Cut into bands of rows, so that it can be
/// stopped and its progress is real.
at::Tensor denoise_non_local_means(const at::Tensor& image, double sigma, const ClassicalProgress& progress);

/// Unsharp mask on the luminance alone, so that colours stay: L + amount * (L - gauss(L, radius)). `radius` in pixels, above 0; `amount` 0 gives the image back.
at::Tensor sharpen_luminance(const at::Tensor& image, double amount, double radius, const ClassicalProgress& progress);

/// Where scratches are: long thin lines brighter or darker than what is around them, as MASK [B,H,W] of 0 and 1. `sensitivity` 0 to 1: higher finds
/// fainter ones.
at::Tensor find_scratches(const at::Tensor& image, double sensitivity);

/// Fills what the mask (above 0.5) covers from its surroundings (Telea). `mask` [B or 1,H,W] of the image's size.
at::Tensor inpaint(const at::Tensor& image, const at::Tensor& mask, const ClassicalProgress& progress);

}  // namespace darkroom
