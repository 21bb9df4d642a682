// Euler's method along the probability-flow ODE (Karras et al. 2022), and with fresh noise at every step (ancestral sampling, Ho et al.
// 2020, Song et al. 2021). Flow models: the interpolation of Esser et al. 2024, with the noise that keeps its marginals.
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

at::Tensor euler_ancestral_flow(Walk& walk, at::Tensor x, double eta, double s_noise) {
  StepNoise noise(walk);
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const auto step = flow_ancestral_step(sigma, next, eta);
    auto moved = combine({{step.down / sigma, &before}, {1 - step.down / sigma, &denoised}});
    if (eta > 0) moved.mul_(step.keep).add_(noise(moved), s_noise * step.up);
    return moved;
  });
}

}  // namespace

at::Tensor euler(Walk& walk, at::Tensor x) {
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    x = x + direction(x, sigma, denoised).mul_(walk.sigma(i + 1) - sigma);
  }
  return x;
}

at::Tensor euler_ancestral(Walk& walk, at::Tensor x) {
  const double eta = walk.options.number("eta", 1), s_noise = walk.options.number("s_noise", 1);
  if (walk.is_flow()) return euler_ancestral_flow(walk, std::move(x), eta, s_noise);
  StepNoise noise(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    const auto step = ancestral_step(sigma, walk.sigma(i + 1), eta);
    if (step.down == 0) {
      x = denoised;
      continue;
    }
    x = x + direction(x, sigma, denoised).mul_(step.down - sigma);
    x.add_(noise(x), s_noise * step.up);
  }
  return x;
}

}  // namespace darkroom::methods
