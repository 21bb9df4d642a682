#pragma once
// What a family's latents are like: their scale inside the sampler, and how to show them quickly.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace darkroom {

struct LatentFormat {
  std::int64_t channels = 4;
  double scale = 0.18215;         ///< multiplied on entering the sampler, divided out on leaving it; VAE nodes never scale
  std::int64_t downscale = 8;     ///< pixels a latent pixel
  std::vector<std::array<float, 3>> rgb;  ///< one row a channel: RGB = sum of channel * row (+ bias), in -1..1
  std::array<float, 3> rgb_bias{};
  std::string_view taesd;         ///< the small autoencoder of these latents: "taesd" (storage/unlisted_models.hpp)
  std::vector<double> mean, deviation;  ///< of each channel: subtracted and divided by before the scale; none: neither

  at::Tensor enter(const at::Tensor& latent) const;  ///< [B,C,h,w] as a VAE gives it -> as a sampler sees it; all zeros stay so
  at::Tensor leave(const at::Tensor& latent) const;  ///< back
};

const LatentFormat& sd15_latents();
const LatentFormat& sdxl_latents();
const LatentFormat& playground_latents();  ///< Playground v2.5: SDXL's autoencoder, its latents normalised by channel

}  // namespace darkroom
