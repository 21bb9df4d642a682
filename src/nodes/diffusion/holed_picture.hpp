#pragma once
// A picture with a hole, ready for a VAE.

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// A picture and its mask, both cut around the centre to multiples of a latent pixel.
struct MaskedPicture {
  at::Tensor pixels;  ///< [B,H,W,C]
  at::Tensor mask;    ///< float32 [M,1,H,W], M 1 or B: as given, resized to the picture
};

/// `pixels` [B,H,W,C], `mask` [M,h,w]. Throws InvalidInput when the batches do not fit or nothing is left.
MaskedPicture cut_to_latent(const at::Tensor& pixels, const at::Tensor& mask, std::int64_t step);

/// The pixels with grey (0.5) where the mask rounds to 1.
at::Tensor with_hole(const MaskedPicture& picture);

/// Where to sample: the rounded mask, grown by a box of `side` pixels.
at::Tensor grown_mask(const at::Tensor& mask, std::int64_t side);

}  // namespace darkroom
