#pragma once
// CIE Lab as OpenCV has it for float pictures, which is what colourisers were trained with: to Lab through a table of 16-bit numbers, so
// that L differs from the textbook's formula by up to 0.25.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// [H,W,3] float32 RGB (sRGB, values outside 0..1 are clipped) -> L 0..100, a and b about -128..127.
at::Tensor rgb_to_lab(const at::Tensor& rgb);
/// The way back; clipped to 0..1.
at::Tensor lab_to_rgb(const at::Tensor& lab);
/// [H,W,C] float32 -> [height,width,C]: bilinear, half-pixel centres, no antialiasing, the aspect ignored (OpenCV's INTER_LINEAR).
at::Tensor resize_linear(const at::Tensor& image, std::int64_t height, std::int64_t width);

}  // namespace darkroom
