// ER-SDE-Solver (Cui et al. 2023, "Elucidating the solution space of extended reverse-time SDE"), up to three stages, in sigma / alpha.
#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

using NoiseScale = std::function<double(double)>;

/// phi of the paper: its growth decides how much noise a step replaces. x itself gives the ODE, x^2 the reverse-time SDE.
NoiseScale noise_scale(const SamplerOptions& options) {
  const auto type = options.choice("solver_type", "ER-SDE");
  const double eta = type == "ODE" ? 0 : options.number("eta", 1);
  if (type == "ER-SDE") return [](double x) { return x * (std::exp(std::pow(x, 0.3)) + 10); };
  return [eta](double x) { return std::pow(x, eta + 1); };
}

}  // namespace

at::Tensor er_sde(Walk& walk, at::Tensor x) {
  constexpr int kPoints = 200;  ///< of the sums that stand for the integrals; their error is part of the method's numbers
  const auto most_stages = static_cast<std::int64_t>(walk.options.number("max_stage", 3));
  const double s_noise = walk.options.choice("solver_type", "ER-SDE") == "ODE" ? 0 : walk.options.number("s_noise", 1);
  const auto phi = noise_scale(walk.options);
  StepNoise noise(walk);
  walk.begin_below_one();
  const auto level = [&](std::int64_t i) { return std::exp(-walk.half_log_snr(walk.sigma(i))); };
  at::Tensor denoised_before, slope_before;
  return walk.follow(std::move(x), [&](std::int64_t i, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const auto stages = std::min(most_stages, i + 1);
    const double from = level(i), to = level(i + 1), alpha = walk.alpha(next), kept = phi(to) / phi(from);
    auto moved = combine({{alpha / walk.alpha(sigma) * kept, &before}, {alpha * (1 - kept), &denoised}});
    if (stages >= 2) {
      const double step = to - from, spacing = -step / kPoints;
      double sum = 0, moment = 0;
      for (int p = 0; p < kPoints; ++p) {
        const double at = to + p * spacing;
        sum += spacing / phi(at);
        moment += spacing * (at - from) / phi(at);
      }
      const auto slope = (denoised - denoised_before).div_(from - level(i - 1));
      moved.add_(slope, alpha * (step + sum * phi(to)));
      if (stages >= 3) {
        const auto bend = (slope - slope_before).div_((from - level(i - 2)) / 2);
        moved.add_(bend, alpha * (step * step / 2 + moment * phi(to)));
      }
      slope_before = slope;
    }
    if (s_noise > 0) {
      const double variance = to * to - from * from * kept * kept;
      moved.add_(noise(moved), alpha * s_noise * std::sqrt(std::max(0.0, variance)));
    }
    denoised_before = denoised;
    return moved;
  });
}

}  // namespace darkroom::methods
