#include "diffusion/latent_format.hpp"

namespace darkroom {

const LatentFormat& sd15_latents() {
  static const LatentFormat format{.channels = 4, .scale = 0.18215, .taesd = "taesd"};
  return format;
}

const LatentFormat& sdxl_latents() {
  static const LatentFormat format{.channels = 4, .scale = 0.13025, .taesd = "taesdxl"};
  return format;
}

}  // namespace darkroom
