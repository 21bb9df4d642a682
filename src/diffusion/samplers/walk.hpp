#pragma once
// What every sampling method is given, and the few steps that they share. Sigmas are plain numbers on the host.

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "diffusion/brownian.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/sampler.hpp"

namespace darkroom {

/// One run of a method: the model, the schedule and what it tells on its way.
class Walk {
 public:
  Walk(Denoiser& model, std::vector<double> sigma_values, const Sampler& given, const SamplerRun& run_info)
      : sigmas(std::move(sigma_values)), sampler(given), options(given.options), run(run_info), model_(model) {}

  std::int64_t steps() const { return static_cast<std::int64_t>(sigmas.size()) - 1; }
  double sigma(std::int64_t i) const { return sigmas[static_cast<std::size_t>(i)]; }

  at::Tensor denoise(const at::Tensor& x, double sigma) { return guided(x, sigma, false).denoised; }
  /// With the negative's own prediction.
  Denoiser::Result denoise_both(const at::Tensor& x, double sigma) { return guided(x, sigma, true); }
  /// Tells of a step. Methods that choose their own number of steps stay at the schedule's last one.
  void report(std::int64_t step, const at::Tensor& denoised, const at::Tensor& x) const {
    if (run.on_step) run.on_step(std::min(step, steps() - 1), steps(), denoised, x);
  }

  /// The run of a method that begins each step with one prediction, tells of it, and takes it for the end when `next` is 0.
  /// `advance(i, sigma, next, x, denoised)` gives x at `next`.
  template <class Advance>
  at::Tensor follow(at::Tensor x, Advance advance) {
    for (std::int64_t i = 0; i < steps(); ++i) {
      const auto denoised = denoise(x, sigma(i));
      report(i, denoised, x);
      x = sigma(i + 1) == 0 ? denoised : advance(i, sigma(i), sigma(i + 1), x, denoised);
    }
    return x;
  }

  const ModelSampling& sampling() const { return model_.sampling(); }
  bool is_flow() const { return sampling().prediction() == Prediction::kFlow; }
  /// Share of the data in x: 1, or 1 - sigma for flow models.
  double alpha(double sigma) const { return is_flow() ? 1 - sigma : 1; }
  /// lambda = log(alpha / sigma), half the logarithm of the signal-to-noise ratio.
  double half_log_snr(double sigma) const;
  double sigma_of(double half_log_snr) const;
  /// Flow models begin at sigma 1, where lambda is minus infinity: methods in lambda begin a little below.
  void begin_below_one();

  std::vector<double> sigmas;
  const Sampler& sampler;
  const SamplerOptions& options;
  const SamplerRun& run;

 private:
  Denoiser::Result guided(const at::Tensor& x, double sigma, bool want_uncond) {
    if (run.check) run.check();
    return model_.denoise(x, sigma, want_uncond);
  }

  Denoiser& model_;
};

/// Draws of methods that add fresh noise: from the CPU generator of seed + 1, in the order of use.
class StepNoise {
 public:
  /// Throws InvalidInput for seed 2^64 - 1, which has no successor.
  explicit StepNoise(const Walk& walk);
  at::Tensor operator()(const at::Tensor& like);

 private:
  NormalSource source_;
};

/// Draws of methods that follow a Brownian path over sigma, from the smallest positive to the largest of the schedule.
class PathNoise {
 public:
  PathNoise(const Walk& walk, const at::Tensor& like);
  at::Tensor operator()(double sigma, double next);

 private:
  std::optional<BrownianTree> tree_;
  at::Device device_;
};

/// Sum of factor * tensor.
at::Tensor combine(std::initializer_list<std::pair<double, const at::Tensor*>> terms);
/// The direction of the probability-flow ODE in sigma: (x - denoised) / sigma (Karras et al. 2022, algorithm 1).
at::Tensor direction(const at::Tensor& x, double sigma, const at::Tensor& denoised);

/// A step to `next` as a deterministic one down to `down` and fresh noise `up`, variances summing to next^2; `eta` scales the noise.
struct AncestralStep {
  double down, up;
};
AncestralStep ancestral_step(double sigma, double next, double eta);

/// The same for flow models: after the step to `down` x is multiplied by `keep`, then gets noise `up`.
struct FlowAncestralStep {
  double down, keep, up;
};
FlowAncestralStep flow_ancestral_step(double sigma, double next, double eta);

using Method = at::Tensor (*)(Walk& walk, at::Tensor x);

}  // namespace darkroom
