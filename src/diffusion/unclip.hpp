#pragma once
// unCLIP: a model that is told of pictures by CLIP-vision vectors beside the text (Ramesh et al. 2022; Stable unCLIP 2.1, the models of
// the SD2.x family that take a vector). The vectors may be noised, and the model is told by how much.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "diffusion/conditioning.hpp"

namespace darkroom {

/// The noise level, 0 to 999, of a share 0..1.
std::int64_t noise_level(double share);

/// A picture's vector [1,D] mixed with noise by a squared cosine schedule of 1000 levels (Nichol & Dhariwal 2021), and the embedding of the
/// level: [1,2D].
at::Tensor noised_picture(const at::Tensor& embedding, std::int64_t level, const at::Tensor& noise);

/// The vector [1,2*width] of a conditioning's pictures: each noised and weighted; more than one are added, and noised a little again. Zeros
/// without one. `seed`: of the run; all noise depends on it alone. Throws InvalidInput for vectors of another width.
at::Tensor unclip_vector(std::int64_t width, const std::vector<UnclipImage>& pictures, std::uint64_t seed);

}  // namespace darkroom
