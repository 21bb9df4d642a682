// SEEDS (Gonzalez et al. 2023): stochastic exponential solvers of two and three stages in lambda = log(alpha / sigma), each stage with the
// noise of its own stretch. With eta 0 they are the deterministic exponential Runge-Kutta methods; exp_heun_2_x0 is the one that ends its
// first stage at the end of the step (Heun), with weights phi_2.
#include <cmath>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

double phi_1(double h) { return std::expm1(h) / h; }
double phi_2(double h) { return (std::expm1(h) - h) / (h * h); }

struct Options {
  double eta, s_noise, r;
  bool second_weights;  ///< phi_2, else the simpler weights of phi_1
};

/// Noise of stretches [0, r1], [r1, r2], ... of one step, as it stands at the end of any of them: earlier noise decays.
class StretchNoise {
 public:
  StretchNoise(StepNoise& source, double h_eta_part) : source_(source), rate_(h_eta_part) {}
  /// Goes on to share `r` of the step; what has gathered by then, in units of sigma there.
  at::Tensor until(double r, const at::Tensor& like) {
    const double length = (r - reached_) * rate_;
    auto fresh = source_(like).mul_(std::sqrt(-std::expm1(-2 * length)));
    gathered_ = gathered_.defined() ? fresh.add_(gathered_, std::exp(-length)) : fresh;
    reached_ = r;
    return gathered_;
  }

 private:
  StepNoise& source_;
  double rate_, reached_ = 0;
  at::Tensor gathered_;
};

at::Tensor two_stages(Walk& walk, at::Tensor x, const Options& options) {
  std::optional<StepNoise> source;
  if (options.eta > 0 && options.s_noise > 0) source.emplace(walk);
  walk.begin_below_one();
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const double start = walk.half_log_snr(sigma), h = walk.half_log_snr(next) - start, h_eta = h * (options.eta + 1), r = options.r;
    const double middle = walk.sigma_of(start + r * h), alpha_middle = walk.alpha(middle), alpha = walk.alpha(next);
    std::optional<StretchNoise> noise;
    if (source) noise.emplace(*source, h * options.eta);

    auto moved = combine({{middle / sigma * std::exp(-r * h * options.eta), &before}, {-alpha_middle * std::expm1(-r * h_eta), &denoised}});
    if (noise) moved.add_(noise->until(r, moved), middle * options.s_noise);
    const auto there = walk.denoise(moved, middle);

    double late = -alpha * std::expm1(-h_eta) / (2 * r), early = -alpha * std::expm1(-h_eta) - late;
    if (options.second_weights) {
      late = alpha * h_eta * phi_2(-h_eta) / r;
      early = alpha * h_eta * phi_1(-h_eta) - late;
    }
    moved = combine({{next / sigma * std::exp(-h * options.eta), &before}, {early, &denoised}, {late, &there}});
    if (noise) moved.add_(noise->until(1, moved), next * options.s_noise);
    return moved;
  });
}

}  // namespace

at::Tensor seeds_2(Walk& walk, at::Tensor x) {
  const auto& given = walk.options;
  return two_stages(walk, std::move(x), {given.number("eta", 1), given.number("s_noise", 1), given.number("r", 0.5), given.choice("solver_type", "phi_1") == "phi_2"});
}

at::Tensor exp_heun_2_x0(Walk& walk, at::Tensor x) { return two_stages(walk, std::move(x), {0, 0, 1, true}); }
at::Tensor exp_heun_2_x0_sde(Walk& walk, at::Tensor x) { return two_stages(walk, std::move(x), {1, 1, 1, true}); }

at::Tensor seeds_3(Walk& walk, at::Tensor x) {
  constexpr double r1 = 1.0 / 3, r2 = 2.0 / 3;
  const double eta = walk.options.number("eta", 1), s_noise = walk.options.number("s_noise", 1);
  std::optional<StepNoise> source;
  if (eta > 0 && s_noise > 0) source.emplace(walk);
  walk.begin_below_one();
  return walk.follow(std::move(x), [&](std::int64_t, double sigma, double next, const at::Tensor& before, const at::Tensor& denoised) {
    const double start = walk.half_log_snr(sigma), h = walk.half_log_snr(next) - start, h_eta = h * (eta + 1);
    std::optional<StretchNoise> noise;
    if (source) noise.emplace(*source, h * eta);
    /// x at share r of the step: data prediction `denoised`, corrected by `change` with weight phi_2 / by.
    const auto stage = [&](double r, double to, const at::Tensor* change, double by) {
      const double alpha = walk.alpha(to), taken = std::expm1(-r * h_eta);
      auto result = combine({{to / sigma * std::exp(-r * h * eta), &before}, {-alpha * taken, &denoised}});
      if (change) result.add_(*change, alpha * by * (taken / (r * h_eta) + 1));
      if (noise) result.add_(noise->until(r, result), to * s_noise);
      return result;
    };
    const double first = walk.sigma_of(start + r1 * h), second = walk.sigma_of(start + r2 * h);
    const auto change1 = walk.denoise(stage(r1, first, nullptr, 0), first) - denoised;
    const auto change2 = walk.denoise(stage(r2, second, &change1, r2 / r1), second) - denoised;
    return stage(1, next, &change2, 1 / r2);
  });
}

}  // namespace darkroom::methods
