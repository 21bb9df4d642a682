#pragma once
// One run of a sampler: noise and latent in, latent out.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "diffusion/guider.hpp"
#include "diffusion/sampler.hpp"

namespace darkroom {

/// What a run tells and asks while it goes on.
struct SampleWatch {
  /// After each step: how many of `total` are done, the denoised latent and x before the step, both scaled as in the sampler and on its device.
  std::function<void(std::int64_t done, std::int64_t total, const at::Tensor& denoised, const at::Tensor& x)> on_step;
  std::function<void()> check;                ///< throws to interrupt; called within steps too
  std::function<std::size_t()> free_bytes;    ///< memory that a call of the model may take; entries are run one by one when it is short
};

struct SampleRequest {
  const Guider& guider;
  Sampler sampler;
  std::vector<float> sigmas;  ///< falling; none: the latent comes back as it is
  at::Tensor latent;          ///< [B,C,h,w] as a VAE gives it; all zero ones may have another number of channels
  at::Tensor noise;           ///< float32 of the latent's shape; zeros for none
  std::optional<at::Tensor> noise_mask;  ///< [H,W], [B,H,W] or [B,1,H,W] of any size: 1 where the picture is made
  std::uint64_t seed = 0;
  std::optional<std::vector<std::int64_t>> batch_index = {};  ///< that the noise was drawn by
};

struct Sampled {
  at::Tensor samples;   ///< float32 [B,C,h,w]
  at::Tensor denoised;  ///< what the last step took the end to be; `samples` when there was no step
};

Sampled sample(const SampleRequest& request, const SampleWatch& watch);

/// The latent as the model takes it: an all-zero one with the model's number of channels, [B,C,h,w].
at::Tensor fitted_latent(const at::Tensor& latent, const DiffusionModel& model);

}  // namespace darkroom
