// DPM-Solver++ (Lu et al. 2022b): exponential integrators of the data prediction in lambda = log(alpha / sigma). 2S takes two model calls a
// step and adds fresh noise, 2M reuses the last call.
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

at::Tensor two_s_flow(Walk& walk, at::Tensor x, double eta, double s_noise) {
  StepNoise noise(walk);
  constexpr double kAlmostOne = 0.9999;  // lambda of sigma 1 is minus infinity
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const auto step = flow_ancestral_step(sigma, next, eta);
    const double middle = sigma == 1 ? kAlmostOne : walk.sigma_of((walk.half_log_snr(sigma) + walk.half_log_snr(step.down)) / 2);
    const auto there = walk.denoise(combine({{middle / sigma, &before}, {1 - middle / sigma, &denoised}}), middle);
    auto moved = combine({{step.down / sigma, &before}, {1 - step.down / sigma, &there}});
    if (eta > 0) moved.mul_(step.keep).add_(noise(moved), s_noise * step.up);
    return moved;
  });
}

}  // namespace

at::Tensor dpmpp_2s_ancestral(Walk& walk, at::Tensor x) {
  const double eta = walk.options.number("eta", 1), s_noise = walk.options.number("s_noise", 1), r = 0.5;
  if (walk.is_flow()) return two_s_flow(walk, std::move(x), eta, s_noise);
  StepNoise noise(walk);
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    const auto step = ancestral_step(sigma, next, eta);
    if (step.down == 0) {
      x = denoised;
      continue;
    }
    const double h = std::log(sigma / step.down), middle = sigma * std::exp(-r * h);
    const auto before = x;
    const auto there = walk.denoise(combine({{middle / sigma, &before}, {-std::expm1(-r * h), &denoised}}), middle);
    x = combine({{step.down / sigma, &before}, {-std::expm1(-h), &there}});
    if (next > 0) x.add_(noise(x), s_noise * step.up);
  }
  return x;
}

at::Tensor dpmpp_2m(Walk& walk, at::Tensor x) {
  at::Tensor denoised_before;
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    const double ratio = next / sigma;  // exp(-h)
    double newest = 1;
    if (denoised_before.defined() && next > 0) newest += std::log(sigma / next) / std::log(walk.sigma(i - 1) / sigma) / 2;
    const auto before = x;
    x = combine({{ratio, &before}, {(1 - ratio) * newest, &denoised}});
    if (newest != 1) x.add_(denoised_before, (1 - ratio) * (1 - newest));
    denoised_before = denoised;
  }
  return x;
}

}  // namespace darkroom::methods
