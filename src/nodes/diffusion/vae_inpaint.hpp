#pragma once
// A picture with a hole, ready for a VAE.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

struct HoledPicture {
  at::Tensor pixels;  ///< [B,H,W,C], both sides multiples of `step`; grey where the mask is
  at::Tensor mask;    ///< float32 [M,1,H,W], 0 or 1: where to sample, grown
};

/// `pixels` [B,H,W,C], `mask` [M,h,w], M 1 or B. The mask is resized to the picture, both are cut around the centre to multiples of `step`;
/// pixels where the mask rounds to 1 become 0.5. The mask that is given back is grown by a box of `grow` pixels.
/// Throws InvalidInput when the batches do not fit or nothing is left.
HoledPicture cut_hole(const at::Tensor& pixels, const at::Tensor& mask, std::int64_t grow, std::int64_t step);

}  // namespace darkroom
