// Refined exponential solver, second-order multistep (Zhang et al. 2023, "Improved Order Analysis and Design of Exponential Integrator for
// Diffusion Models Sampling"), in t = -log(sigma): its weights meet the order conditions that DPM-Solver++(2M) misses.
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

at::Tensor steps_of(Walk& walk, at::Tensor x, double eta, double s_noise, bool cfg_pp) {
  std::optional<StepNoise> noise;
  if (eta > 0) noise.emplace(walk);
  at::Tensor before;       // the last step's prediction
  double down_before = 0;  // where the last step went before its noise
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    at::Tensor denoised, used;  // cfg_pp: the unconditional prediction gives the direction
    if (cfg_pp) {
      auto both = walk.denoise_both(x, sigma);
      denoised = both.denoised;
      used = both.uncond_denoised;
    } else {
      denoised = used = walk.denoise(x, sigma);
    }
    walk.report(i, denoised, x);
    const auto step = ancestral_step(sigma, next, eta);
    const auto start = x;
    if (step.down == 0 || !before.defined()) {
      x = cfg_pp ? denoised + direction(x, sigma, used).mul_(step.down) : x + direction(x, sigma, denoised).mul_(step.down - sigma);
    } else {
      const double h = std::log(sigma / step.down), ratio = step.down / sigma;
      const double c = std::log(down_before / walk.sigma(i - 1)) / h;
      const double phi1 = -std::expm1(-h) / h, phi2 = (1 - phi1) / h;
      const double older = std::isfinite(phi2 / c) ? phi2 / c : 0, newer = std::isfinite(phi2 / c) ? phi1 - phi2 / c : 0;
      x = combine({{ratio, &start}, {h * newer, &used}, {h * older, &before}});
      if (cfg_pp) x.add_(denoised - used, ratio);
    }
    if (noise && next > 0) x.add_((*noise)(x), s_noise * step.up);
    before = used;
    down_before = step.down;
  }
  return x;
}

}  // namespace

at::Tensor res_multistep(Walk& walk, at::Tensor x) { return steps_of(walk, std::move(x), 0, 1, false); }
at::Tensor res_multistep_cfg_pp(Walk& walk, at::Tensor x) { return steps_of(walk, std::move(x), 0, 1, true); }
at::Tensor res_multistep_ancestral(Walk& walk, at::Tensor x) {
  return steps_of(walk, std::move(x), walk.options.number("eta", 1), walk.options.number("s_noise", 1), false);
}
at::Tensor res_multistep_ancestral_cfg_pp(Walk& walk, at::Tensor x) {
  return steps_of(walk, std::move(x), walk.options.number("eta", 1), walk.options.number("s_noise", 1), true);
}

}  // namespace darkroom::methods
