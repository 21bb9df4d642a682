#pragma once
// The one way in which nodes change the size of pictures, masks and latents.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace darkroom {

/// Resizes float32 [B,C,H,W] (or [B,C,T,H,W], each T on its own) to `width` x `height`.
/// `method`: "nearest-exact", "bilinear", "area", "bicubic" (half-pixel centres, no antialias, bicubic a = -0.75, no clamp),
/// "bislerp" (see bislerp()) or "lanczos" (through 8 bits, Pillow's antialiasing Lanczos-3).
/// `crop` "center" first cuts the source to the target's aspect ratio, the same amount off both sides; "disabled" doesn't.
/// Throws InvalidInput for an unknown method, a size below 1 or an empty picture, TooLarge past kMaxTensorElements.
at::Tensor common_upscale(const at::Tensor& bchw, std::int64_t width, std::int64_t height, std::string_view method, std::string_view crop);

/// Cuts the last two axes to the aspect ratio of `width` x `height` around the centre: offset round((old - old * ratio) / 2),
/// half to even, on both sides.
at::Tensor crop_to_aspect(const at::Tensor& tensor, std::int64_t width, std::int64_t height);

/// Repeats or cuts the first axis to `batch`. Throws InvalidInput when it is empty.
at::Tensor repeat_to_batch(const at::Tensor& tensor, std::int64_t batch);

}  // namespace darkroom
