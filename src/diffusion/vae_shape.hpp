#pragma once
// What a KL autoencoder is like, read off the names and shapes of its tensors, all of which are checked on the way.

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/weights.hpp"

namespace darkroom {

/// One level of the encoder or decoder: residual blocks, then a change of size. In the order in which they run.
struct KlStage {
  std::string name;  ///< "decoder.up.3."
  std::int64_t in = 0, out = 0;
  int blocks = 0;
  bool attention = false;  ///< behind each block
  bool resamples = false;  ///< halves or doubles the picture at its end
};

struct KlShape {
  bool has_encoder = false, has_decoder = false;
  std::int64_t latent_channels = 4;  ///< as samplers see them
  std::int64_t downscale = 8;
  std::vector<KlStage> down, up;
};

constexpr std::int64_t kVaeGroups = 32;  ///< of every GroupNorm
constexpr double kVaeEps = 1e-6;

/// `weights`: single-file names. Throws InvalidInput that names the tensor which is missing, of a wrong shape or no float.
KlShape read_kl_shape(const Weights& weights);

}  // namespace darkroom
