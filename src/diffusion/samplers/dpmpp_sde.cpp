// SDE variants of DPM-Solver++ (Lu et al. 2022b, appendix), with the noise of a Brownian path over sigma. `eta` 0 is the ODE, 1 the
// reverse-time SDE. lambda = log(alpha / sigma), h its step.
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

struct Stochastic {
  explicit Stochastic(const Walk& walk) : eta(walk.options.number("eta", 1)), s_noise(walk.options.number("s_noise", 1)) {}
  bool adds_noise() const { return eta > 0 && s_noise > 0; }
  double eta, s_noise;
};

/// The linear part and the noise that all multistep variants share: x keeps sigma_next / sigma * exp(-h * eta) of itself.
struct SdeStep {
  SdeStep(const Walk& walk, double sigma, double next, double eta)
      : h(walk.half_log_snr(next) - walk.half_log_snr(sigma)),
        h_eta(h * (eta + 1)),
        kept(next / sigma * std::exp(-h * eta)),
        alpha(walk.alpha(next)),
        noise(next * std::sqrt(-std::expm1(-2 * h * eta))) {}
  double taken() const { return -alpha * std::expm1(-h_eta); }

  double h, h_eta, kept, alpha, noise;
};

at::Tensor two_m(Walk& walk, at::Tensor x, bool heun) {
  const Stochastic options(walk);
  PathNoise noise(walk, x);
  walk.begin_below_one();
  at::Tensor denoised_before;
  double h_before = 0;
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const SdeStep step(walk, sigma, next, options.eta);
    auto moved = combine({{step.kept, &before}, {step.taken(), &denoised}});
    if (denoised_before.defined()) {
      const double r = h_before / step.h;
      const double bend = heun ? step.alpha * (1 + std::expm1(-step.h_eta) / step.h_eta) / r : step.taken() / 2 / r;
      moved.add_(denoised - denoised_before, bend);
    }
    if (options.adds_noise()) moved.add_(noise(sigma, next), step.noise * options.s_noise);
    denoised_before = denoised;
    h_before = step.h;
    return moved;
  });
}

}  // namespace

at::Tensor dpmpp_sde(Walk& walk, at::Tensor x) {
  const Stochastic options(walk);
  const double r = walk.options.number("r", 0.5), share = 1 / (2 * r);
  PathNoise noise(walk, x);
  walk.begin_below_one();
  /// An ancestral step from one lambda to another, of x towards `denoised`.
  const auto stage = [&](const at::Tensor& from, const at::Tensor& denoised, double sigma, double start, double next, double end) {
    const auto split = ancestral_step(std::exp(-start), std::exp(-end), options.eta);
    const double h = -std::log(split.down) - start, alpha = walk.alpha(next);
    auto to = combine({{alpha / walk.alpha(sigma) * std::exp(-h), &from}, {-alpha * std::expm1(-h), &denoised}});
    if (options.adds_noise()) to.add_(noise(sigma, next), alpha * options.s_noise * split.up);
    return to;
  };
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const double start = walk.half_log_snr(sigma), end = walk.half_log_snr(next);
    // float32 like the schedule's sigmas: the Brownian path rounds its times, and a rounding the other way is another noise.
    const double between = start + r * (end - start), middle = static_cast<float>(walk.sigma_of(between));
    const auto there = walk.denoise(stage(before, denoised, sigma, start, middle, between), middle);
    return stage(before, combine({{1 - share, &denoised}, {share, &there}}), sigma, start, next, end);
  });
}

at::Tensor dpmpp_2m_sde(Walk& walk, at::Tensor x) {
  const bool heun = walk.options.choice("solver_type", "midpoint") == "heun";
  return two_m(walk, std::move(x), heun);
}

at::Tensor dpmpp_2m_sde_heun(Walk& walk, at::Tensor x) { return two_m(walk, std::move(x), true); }

at::Tensor dpmpp_3m_sde(Walk& walk, at::Tensor x) {
  const Stochastic options(walk);
  PathNoise noise(walk, x);
  walk.begin_below_one();
  at::Tensor denoised1, denoised2;  // of the last step and of the one before
  double h1 = 0, h2 = 0;
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const SdeStep step(walk, sigma, next, options.eta);
    auto moved = combine({{step.kept, &before}, {step.taken(), &denoised}});
    const double phi2 = std::expm1(-step.h_eta) / step.h_eta + 1, phi3 = phi2 / step.h_eta - 0.5;
    if (denoised2.defined()) {
      const double r0 = h1 / step.h, r1 = h2 / step.h;
      const auto slope0 = (denoised - denoised1).div_(r0), slope1 = (denoised1 - denoised2).div_(r1);
      const auto bend = slope0 - slope1;
      moved.add_(slope0, step.alpha * phi2).add_(bend, step.alpha * (phi2 * r0 - phi3) / (r0 + r1));
    } else if (denoised1.defined()) {
      moved.add_(denoised - denoised1, step.alpha * phi2 * step.h / h1);
    }
    if (options.adds_noise()) moved.add_(noise(sigma, next), step.noise * options.s_noise);
    denoised2 = denoised1;
    denoised1 = denoised;
    h2 = h1;
    h1 = step.h;
    return moved;
  });
}

}  // namespace darkroom::methods
