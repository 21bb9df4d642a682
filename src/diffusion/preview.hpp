#pragma once
// What a latent will look like, quickly: pictures for a sampler's steps.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "diffusion/latent_format.hpp"

namespace darkroom {

class Vae;

/// 8-bit RGB, interleaved.
struct PreviewPicture {
  std::vector<std::uint8_t> rgb;
  int width = 0, height = 0;
};

/// The first picture of `latent` [B,C,h,w], scaled as in the sampler, as a linear mix of its channels: one pixel a latent pixel.
/// Throws InvalidInput when the format has no such mix or another number of channels.
PreviewPicture linear_preview(const at::Tensor& latent, const LatentFormat& format);

/// The same through a TAESD decoder that was loaded with a scale of 1: full size.
PreviewPicture decoded_preview(const at::Tensor& latent, const Vae& taesd);

}  // namespace darkroom
