// Gradient estimation (Permenter & Yuan 2023): the direction is extrapolated from the last two.
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

at::Tensor steps_of(Walk& walk, at::Tensor x, bool cfg_pp) {
  const double gamma = walk.options.number("ge_gamma", 2);
  at::Tensor before;
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    at::Tensor denoised, d;
    if (cfg_pp) {
      auto both = walk.denoise_both(x, sigma);
      denoised = both.denoised;
      d = direction(x, sigma, both.uncond_denoised);
    } else {
      denoised = walk.denoise(x, sigma);
      d = direction(x, sigma, denoised);
    }
    walk.report(i, denoised, x);
    if (next == 0) {
      x = denoised;
    } else {
      x = cfg_pp ? denoised + d * next : x + d * (next - sigma);
      if (before.defined()) x.add_(d - before, (gamma - 1) * (next - sigma));
    }
    before = d;
  }
  return x;
}

}  // namespace

at::Tensor gradient_estimation(Walk& walk, at::Tensor x) { return steps_of(walk, std::move(x), false); }
at::Tensor gradient_estimation_cfg_pp(Walk& walk, at::Tensor x) { return steps_of(walk, std::move(x), true); }

}  // namespace darkroom::methods
