#pragma once
// Samplers: ways to follow a schedule of sigmas with a denoiser. One function a method; this is all that callers see of them.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diffusion/model_sampling.hpp"

namespace darkroom {

/// The guided model as samplers see it. Latents are float32 [B,C,H,W], scaled (LatentFormat).
class Denoiser {
 public:
  struct Result {
    at::Tensor denoised;         ///< after guidance
    at::Tensor uncond_denoised;  ///< the negative's alone; defined only when `want_uncond` was asked for
  };
  virtual ~Denoiser() = default;
  /// The denoised latent of `x` at `sigma` (the same for the whole batch). `want_uncond`: cfg_pp samplers; the negative is then computed
  /// also at cfg 1.
  virtual Result denoise(const at::Tensor& x, double sigma, bool want_uncond) = 0;
  at::Tensor operator()(const at::Tensor& x, double sigma) { return denoise(x, sigma, false).denoised; }
  virtual const ModelSampling& sampling() const = 0;
};

/// What a run of a sampler has besides the denoiser.
struct SamplerRun {
  std::uint64_t seed = 0;
  /// Once a step, after its first call of the model: the step's index, of `steps`, the denoised latent, and x before the step. Methods that
  /// choose their own number of steps (dpm_fast, dpm_adaptive) tell fewer, or the last index again. Throws to interrupt.
  std::function<void(std::int64_t step, std::int64_t steps, const at::Tensor& denoised, const at::Tensor& x)> on_step;
  /// Looks at cancellation; throws to interrupt. Called before each call of the model.
  std::function<void()> check;
};

/// Options of the sampler nodes (SamplerDPMPP_SDE, SamplerLMS, ...), each with its default in the method. Names as in the node's inputs.
struct SamplerOptions {
  std::vector<std::pair<std::string, double>> numbers;
  std::vector<std::pair<std::string, std::string>> choices;
  double number(std::string_view name, double fallback) const;
  std::string choice(std::string_view name, std::string_view fallback) const;
};

/// Names of the KSampler list, in its order: "euler", "euler_cfg_pp", ...
const std::vector<std::string>& sampler_names();

/// SAMPLER: a method with its options.
struct Sampler {
  std::string name;  ///< of sampler_names(), or "lcm_upscale"
  SamplerOptions options;
  /// lcm_upscale: x in another size.
  std::function<at::Tensor(const at::Tensor& x, std::int64_t width, std::int64_t height)> resize;
  /// A method that is none of those, instead of `name`'s: gets and gives what run_sampler() does.
  std::function<at::Tensor(Denoiser& model, at::Tensor x, const std::vector<float>& sigmas, const SamplerRun& run)> own;
};

/// Runs a sampler from x (noise added) down `sigmas` (float32 values, falling). Returns the last x.
/// Throws InvalidInput for an unknown name and for what the method refuses (seed 2^64-1 with an ancestral one).
at::Tensor run_sampler(const Sampler& sampler, Denoiser& model, at::Tensor x, const std::vector<float>& sigmas, const SamplerRun& run);

/// Does the KSampler node drop the penultimate sigma of a schedule of steps + 1 for this method?
bool discards_penultimate_sigma(std::string_view sampler);

}  // namespace darkroom
