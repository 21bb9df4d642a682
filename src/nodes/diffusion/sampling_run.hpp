#pragma once
// What all sampling nodes do around a run: progress with previews, interruption, memory, and the latents that come out.

#include <memory>
#include <string>
#include <vector>

#include "diffusion/guider.hpp"
#include "diffusion/sample.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {

struct SamplingJob {
  const Guider& guider;
  Sampler sampler;
  std::vector<float> sigmas;
  const LatentObject& latent;  ///< with its noise mask
  at::Tensor noise;
  std::uint64_t seed = 0;
};

/// Runs it: `samples` and `denoised` as LATENT values; what else the latent has (mask, batch indices) stays.
struct SampledLatents {
  Value samples, denoised;
};
SampledLatents run_sampling(const SamplingJob& job, Context& context);

/// A SIGMAS value as numbers. Throws InvalidInput when it is not a list of them.
std::vector<float> sigmas_of(const Inputs& in, std::string_view name);

}  // namespace darkroom
