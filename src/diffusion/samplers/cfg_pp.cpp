// CFG++ (Chung et al. 2024): the step starts from the guided estimate, its direction is that of the unconditional one.
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

at::Tensor euler_steps(Walk& walk, at::Tensor x, double eta, double s_noise) {
  std::optional<StepNoise> noise;
  if (eta > 0 && s_noise > 0) noise.emplace(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto [denoised, uncond] = walk.denoise_both(x, sigma);
    walk.report(i, denoised, x);
    if (next == 0) {
      x = denoised;
      continue;
    }
    // x / alpha follows the same equation at sigma / alpha whatever the model's schedule is.
    const double alpha = walk.alpha(sigma), alpha_next = walk.alpha(next);
    const auto step = ancestral_step(sigma / alpha, next / alpha_next, eta);
    const double along = alpha_next * step.down / sigma;
    const auto before = x;
    x = combine({{alpha_next, &denoised}, {along, &before}, {-along * alpha, &uncond}});
    if (noise) x.add_((*noise)(x), alpha_next * s_noise * step.up);
  }
  return x;
}

}  // namespace

at::Tensor euler_cfg_pp(Walk& walk, at::Tensor x) { return euler_steps(walk, std::move(x), 0, 0); }

at::Tensor euler_ancestral_cfg_pp(Walk& walk, at::Tensor x) {
  return euler_steps(walk, std::move(x), walk.options.number("eta", 1), walk.options.number("s_noise", 1));
}

at::Tensor euler_cfg_pp_alternative(Walk& walk, at::Tensor x) {
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i);
    const auto [denoised, uncond] = walk.denoise_both(x, sigma);
    const auto d = direction(x - denoised + uncond, sigma, denoised);
    walk.report(i, denoised, x);
    x = x + d * (walk.sigma(i + 1) - sigma);
  }
  return x;
}

at::Tensor dpmpp_2s_ancestral_cfg_pp(Walk& walk, at::Tensor x) {
  const double eta = walk.options.number("eta", 1), s_noise = walk.options.number("s_noise", 1), r = 0.5;
  StepNoise noise(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto step = ancestral_step(sigma, next, eta);
    const auto [denoised, uncond] = walk.denoise_both(x, sigma);
    walk.report(i, denoised, x);
    if (step.down == 0) {
      x = denoised;
      continue;
    }
    const double h = std::log(sigma / step.down), middle = sigma * std::exp(-r * h);
    const auto guided = x + (denoised - uncond);
    const auto there = walk.denoise_both(combine({{middle / sigma, &guided}, {-std::expm1(-r * h), &denoised}}), middle);
    const auto guided_anew = x + (denoised - there.uncond_denoised);
    x = combine({{step.down / sigma, &guided_anew}, {-std::expm1(-h), &there.denoised}});
    if (next > 0) x.add_(noise(x), s_noise * step.up);
  }
  return x;
}

at::Tensor dpmpp_2m_cfg_pp(Walk& walk, at::Tensor x) {
  at::Tensor uncond_before;
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto [denoised, uncond] = walk.denoise_both(x, sigma);
    walk.report(i, denoised, x);
    const double ratio = next / sigma;  // exp(-h)
    const auto before = x;
    x = combine({{1, &denoised}, {ratio, &before}, {-ratio, &uncond}});
    if (uncond_before.defined() && next > 0) {
      const double r = std::log(walk.sigma(i - 1) / sigma) / std::log(sigma / next);
      x.add_(denoised - uncond_before, (1 - ratio) / (2 * r));
    }
    uncond_before = uncond;
  }
  return x;
}

}  // namespace darkroom::methods
