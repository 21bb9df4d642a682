// DPM-Solver (Lu et al. 2022a) of orders 1 to 3 in t = -log(sigma), with a fixed number of model calls (dpm_fast) and with a step size that
// follows an error estimate (dpm_adaptive: their algorithm 2 with a PID controller, Söderlind 2003).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

double sigma_at(double t) { return std::exp(-t); }

/// One step of the solver from t; model calls that several orders share are made once.
class SolverStep {
 public:
  SolverStep(Walk& walk, const at::Tensor& x, double t) : walk_(walk), x_(x), t_(t) {
    denoised_ = walk.denoise(x, sigma_at(t));
    eps_ = direction(x, sigma_at(t), denoised_);
  }
  const at::Tensor& denoised() const { return denoised_; }

  at::Tensor first_order(double next) const { return x_ - eps_ * (sigma_at(next) * std::expm1(next - t_)); }

  at::Tensor second_order(double next, double r1) {
    const double h = next - t_, whole = sigma_at(next) * std::expm1(h);
    const auto change = eps_inside(r1, h) - eps_;
    return x_ - combine({{whole, &eps_}, {whole / (2 * r1), &change}});
  }

  at::Tensor third_order(double next) {
    constexpr double r1 = 1.0 / 3, r2 = 2.0 / 3;
    const double h = next - t_, second = sigma_at(t_ + r2 * h);
    const auto change1 = eps_inside(r1, h) - eps_;
    const auto there = x_ - combine({{second * std::expm1(r2 * h), &eps_}, {second * (r2 / r1) * (std::expm1(r2 * h) / (r2 * h) - 1), &change1}});
    const auto change2 = direction(there, second, walk_.denoise(there, second)) - eps_;
    const double end = sigma_at(next);
    return x_ - combine({{end * std::expm1(h), &eps_}, {end / r2 * (std::expm1(h) / h - 1), &change2}});
  }

 private:
  /// The model's eps at share `r` of a step over h, at the end of a first-order step to it.
  const at::Tensor& eps_inside(double r, double h) {
    if (!eps_inside_.defined() || r != inside_) {
      const double sigma = sigma_at(t_ + r * h);
      const auto there = first_order(t_ + r * h);
      eps_inside_ = direction(there, sigma, walk_.denoise(there, sigma));
      inside_ = r;
    }
    return eps_inside_;
  }

  Walk& walk_;
  const at::Tensor& x_;
  double t_;
  at::Tensor denoised_, eps_, eps_inside_;
  double inside_ = 0;
};

/// The first sigma, and the last above 0: these solvers stop there.
std::pair<double, double> ends(const Walk& walk) {
  const double high = walk.sigmas.front(), low = walk.sigmas.back() > 0 ? walk.sigmas.back() : walk.sigma(walk.steps() - 1);
  if (!(high > 0) || !(low > 0)) throw InvalidInput("this sampler needs a schedule that begins above 0");
  return {high, low};
}

/// Söderlind's PID controller of the step size h, as functions of the inverse errors of the last three accepted steps.
class StepSize {
 public:
  StepSize(double first, double order, const SamplerOptions& options)
      : h_(first), b1_((p(options) + i(options) + d(options)) / order), b2_(-(p(options) + 2 * d(options)) / order), b3_(d(options) / order),
        safety_(options.number("accept_safety", 0.81)) {}

  double h() const { return h_; }
  bool accepts(double error) {
    const double inverse = 1 / (error + 1e-8);
    if (errors_.empty()) errors_.assign(3, inverse);
    errors_[0] = inverse;
    const double factor = 1 + std::atan(std::pow(errors_[0], b1_) * std::pow(errors_[1], b2_) * std::pow(errors_[2], b3_) - 1);
    const bool accepted = factor >= safety_;
    if (accepted) {
      errors_[2] = errors_[1];
      errors_[1] = errors_[0];
    }
    h_ *= factor;
    return accepted;
  }

 private:
  static double p(const SamplerOptions& options) { return options.number("pcoeff", 0); }
  static double i(const SamplerOptions& options) { return options.number("icoeff", 1); }
  static double d(const SamplerOptions& options) { return options.number("dcoeff", 0); }

  double h_, b1_, b2_, b3_, safety_;
  std::vector<double> errors_;
};

}  // namespace

at::Tensor dpm_fast(Walk& walk, at::Tensor x) {
  const auto [high, low] = ends(walk);
  const auto calls = walk.steps();  // of the model
  const double start = -std::log(high), end = -std::log(low);
  const auto segments = calls / 3 + 1;
  for (std::int64_t i = 0; i < segments; ++i) {
    const auto at = [&](std::int64_t k) { return start + (end - start) * static_cast<double>(k) / static_cast<double>(segments); };
    // Third order as long as the calls last; what is left at the end: 2 and 1, or 1, or 2.
    std::int64_t order = 3;
    if (i == segments - 1) order = calls % 3 == 0 ? 1 : calls % 3;
    else if (i == segments - 2 && calls % 3 == 0) order = 2;
    SolverStep step(walk, x, at(i));
    walk.report(i, step.denoised(), x);
    x = order == 1 ? step.first_order(at(i + 1)) : order == 2 ? step.second_order(at(i + 1), 0.5) : step.third_order(at(i + 1));
  }
  return x;
}

at::Tensor dpm_adaptive(Walk& walk, at::Tensor x) {
  constexpr std::int64_t kMostSteps = 100'000;  ///< of a tolerance that cannot be met
  const auto& options = walk.options;
  const auto order = static_cast<int>(options.number("order", 3));
  if (order != 2 && order != 3) throw InvalidInput("order: expected 2 or 3, got " + std::to_string(order));
  const double rtol = options.number("rtol", 0.05), atol = options.number("atol", 0.0078);
  const double eta = options.number("eta", 0), s_noise = options.number("s_noise", 1);
  const auto [high, low] = ends(walk);
  const double end = -std::log(low);
  double t = -std::log(high);
  StepSize size(options.number("h_init", 0.05), eta > 0 ? 1.5 : order, options);
  std::optional<StepNoise> noise;
  if (eta > 0) noise.emplace(walk);
  auto x_before = x;
  std::int64_t accepted = 0;
  for (std::int64_t tried = 0; t < end - 1e-5; ++tried) {
    if (tried == kMostSteps || !(size.h() > 0)) throw InvalidInput("dpm_adaptive: the tolerances rtol and atol are not met by any step size");
    const double next = std::min(end, t + size.h());
    double down = next, up = 0;
    if (eta > 0) {
      const auto split = ancestral_step(sigma_at(t), sigma_at(next), eta);
      down = std::min(end, -std::log(split.down));
      up = std::sqrt(std::max(0.0, sigma_at(next) * sigma_at(next) - sigma_at(down) * sigma_at(down)));
    }
    SolverStep step(walk, x, t);
    const auto coarse = order == 2 ? step.first_order(down) : step.second_order(down, 1.0 / 3);
    const auto fine = order == 2 ? step.second_order(down, 0.5) : step.third_order(down);
    const auto allowed = (coarse.abs().maximum(x_before.abs()) * rtol).clamp_min_(atol);
    const double error = ((coarse - fine) / allowed).square_().mean().sqrt_().item<double>();
    if (!std::isfinite(error)) throw InvalidInput("dpm_adaptive: the model's result is not finite");
    const auto shown = x;
    if (size.accepts(error)) {
      x_before = coarse;
      x = up > 0 ? fine + (*noise)(x) * (up * s_noise) : fine;
      t = next;
      ++accepted;
    }
    walk.report(tried, step.denoised(), shown);
  }
  return x;
}

}  // namespace darkroom::methods
