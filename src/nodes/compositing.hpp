#pragma once
// Putting pictures on pictures: Porter and Duff's modes, alpha channels, and the masked paste of images and latents.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace darkroom {

struct Layer {
  at::Tensor image;  ///< float32 [B,H,W,3] in 0..1, not premultiplied
  at::Tensor mask;   ///< float32 [B,H,W]; 1 is transparent, as LoadImage gives it
};

/// Composes two layers of one size. `mode`: Porter and Duff's twelve (SRC_OVER, DST_IN, ...; "Compositing Digital Images",
/// 1984) and ADD, DARKEN, LIGHTEN, MULTIPLY, OVERLAY, SCREEN. Throws InvalidInput for another mode.
Layer porter_duff(const Layer& source, const Layer& destination, std::string_view mode);

/// Brings layers to `destination`'s image size (bicubic, centre crop, not clamped) and the smallest of the four batches.
std::pair<Layer, Layer> fit_layers(Layer source, Layer destination);

/// Appends 1 - mask as alpha to the colours [B,H,W,3+]; the mask is scaled bilinearly, the smaller batch counts.
at::Tensor join_alpha(const at::Tensor& image, const at::Tensor& mask);

/// Colours, and 1 - alpha as mask; zeros where there is no alpha.
Layer split_alpha(const at::Tensor& image);

/// Pastes `source` into `destination` (both [B,C,H,W] or [B,C,T,H,W]) with its corner at (x, y), cut at the edges;
/// `unit` is how many units of x and y one element is (8 for latents). The source's batch follows the destination's.
/// `mask` [B,h,w] weighs the source and is scaled bilinearly to it; `resize_source` first scales the source to the destination.
at::Tensor paste(const at::Tensor& destination, const at::Tensor& source, std::int64_t x, std::int64_t y,
                 const std::optional<at::Tensor>& mask, std::int64_t unit, bool resize_source);

}  // namespace darkroom
