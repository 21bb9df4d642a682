// DDPM's ancestral sampling (Ho et al. 2020, algorithm 2), on the variance-preserving x / sqrt(1 + sigma^2).
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {

at::Tensor ddpm(Walk& walk, at::Tensor x) {
  StepNoise noise(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    const double kept = 1 / (sigma * sigma + 1), kept_next = 1 / (next * next + 1), alpha = kept / kept_next;  // abar_t, abar_(t-1), alpha_t
    const auto eps = direction(x, sigma, denoised);
    const auto before = x;
    const double scale = std::sqrt(1 / alpha);
    x = combine({{scale * std::sqrt(kept), &before}, {-scale * (1 - alpha) / std::sqrt(1 - kept), &eps}});
    if (next > 0) {
      x.add_(noise(x), std::sqrt((1 - alpha) * (1 - kept_next) / (1 - kept)));
      x.mul_(std::sqrt(1 + next * next));
    }
  }
  return x;
}

}  // namespace darkroom::methods
