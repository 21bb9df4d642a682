#pragma once
// A picture's way through DDColor: its lightness stays as it is, in full size; colours come from a small grey square.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "restore/ddcolor/ddcolor.hpp"

namespace darkroom {

/// rgb: float32 [H,W,3] in 0..1, of any size -> the same with colours. `side`: of the network's square, a multiple of 32; it changes the
/// colours, not the sharpness. `watch`: told where the network's colour queries look.
at::Tensor colorize(const DDColor& network, const at::Tensor& rgb, std::int64_t side, const WorkProgress& progress,
                    const ColorWatch& watch = {});

// Its steps:
at::Tensor lightness_of(const at::Tensor& rgb);                          ///< [H,W,3] -> L [H,W], 0..100
at::Tensor grey_square(const at::Tensor& rgb, std::int64_t side);        ///< [H,W,3] -> what the network sees, [3,side,side] in 0..1
at::Tensor with_colors(const at::Tensor& lightness, const at::Tensor& ab);  ///< [H,W] and [2,S,S], enlarged by nearest neighbours -> RGB [H,W,3]

}  // namespace darkroom
