// The midpoint method with the midpoint in log sigma (DPM-Solver-2, Lu et al. 2022, in the form of Karras et al. 2022), and its ancestral
// variant.
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

/// From sigma to `next` by way of their geometric mean; a single Euler step when `next` is 0.
at::Tensor midpoint_step(Walk& walk, const at::Tensor& x, const at::Tensor& denoised, double sigma, double next) {
  const auto d = direction(x, sigma, denoised);
  if (next == 0) return x + d * (next - sigma);
  const double middle = std::sqrt(sigma * next);
  const auto there = x + d * (middle - sigma);
  return x + direction(there, middle, walk.denoise(there, middle)).mul_(next - sigma);
}

}  // namespace

at::Tensor dpm_2(Walk& walk, at::Tensor x) {
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const auto denoised = walk.denoise(x, walk.sigma(i));
    walk.report(i, denoised, x);
    x = midpoint_step(walk, x, denoised, walk.sigma(i), walk.sigma(i + 1));
  }
  return x;
}

at::Tensor dpm_2_ancestral(Walk& walk, at::Tensor x) {
  const double eta = walk.options.number("eta", 1), s_noise = walk.options.number("s_noise", 1);
  StepNoise noise(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    if (walk.is_flow()) {
      const auto step = flow_ancestral_step(sigma, next, eta);
      x = midpoint_step(walk, x, denoised, sigma, step.down);
      if (step.down > 0) x.mul_(step.keep).add_(noise(x), s_noise * step.up);
    } else {
      const auto step = ancestral_step(sigma, next, eta);
      x = midpoint_step(walk, x, denoised, sigma, step.down);
      if (step.down > 0) x.add_(noise(x), s_noise * step.up);
    }
  }
  return x;
}

}  // namespace darkroom::methods
