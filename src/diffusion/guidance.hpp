#pragma once
// How the predictions of a step become one: classifier-free guidance (Ho & Salimans 2022), and where patches change it.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "diffusion/conditioning.hpp"

namespace darkroom {

struct UNetPatches;
class ModelSampling;

/// One step as guidance patches see it. Latents are float32 [B,C,H,W], scaled.
struct GuidanceStep {
  const at::Tensor& x;      ///< the noised latent
  double sigma;
  double cfg;               ///< scale of this run
  const std::vector<float>& sigmas;  ///< the whole schedule of the run
  const ModelSampling& sampling;
  /// Denoised latents by list: cond, uncond, ... An undefined one was not computed.
  std::vector<at::Tensor> denoised;
  /// The model once more on the list `list` (0 cond, 1 uncond) of the run, of another x or with other patches of the UNet (null: the model's own).
  std::function<at::Tensor(std::size_t list, const at::Tensor& x, double sigma, const UNetPatches* patches)> predict;

  const at::Tensor& cond() const { return denoised[0]; }
  const at::Tensor& uncond() const { return denoised[1]; }
};

/// What model patches add to guidance. Called in the order in which they were added.
struct GuidanceHooks {
  /// May change step.denoised before the formula.
  std::vector<std::function<void(GuidanceStep& step)>> before;
  /// Replaces `uncond + (cond - uncond) * cfg`: the denoised latent. The last one set counts.
  std::function<at::Tensor(const GuidanceStep& step)> formula;
  /// Changes the result of the formula.
  std::vector<std::function<at::Tensor(const GuidanceStep& step, const at::Tensor& result)>> after;
  /// The mask of a step instead of the noise mask [B,C,H,W]: DifferentialDiffusion.
  std::function<at::Tensor(const at::Tensor& mask, double sigma, const std::vector<float>& sigmas, const ModelSampling& sampling)> mask;
  bool needs_uncond = false;  ///< computes the negative also at cfg 1
  /// Further conditionings that the hooks want a prediction of: the lists 2, 3, ... of a run with positive and negative.
  std::vector<Conditioning> extra;
};

/// The formula and the hooks around it: denoised latents of one step in, the guided one out.
at::Tensor guide(GuidanceStep& step, const GuidanceHooks& hooks);

/// Is the negative left out at this scale? (within 1e-9 relative of 1)
bool is_cfg_one(double cfg);

}  // namespace darkroom
