// SA-Solver (Xue et al. 2023): stochastic Adams predictor and corrector on the data prediction, in lambda = log(alpha / sigma). tau is how
// stochastic a step is: eta within an interval of the schedule, 0 elsewhere. PECE evaluates the model again after the corrector.
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

struct Options {
  double eta, s_noise, tau_from, tau_to;  ///< tau is eta while tau_to <= sigma <= tau_from
  std::int64_t predictor_order, corrector_order;
  bool pece, simple_order_2;
};

/// Integrals over the step of rate * exp(rate * (lambda - end)) times Lagrange's polynomials through `nodes`; rate = 1 + tau^2.
/// Gauss-Legendre quadrature of ten points on panels short against the exponential.
std::vector<double> adams_weights(const std::vector<double>& nodes, double start, double end, double rate) {
  constexpr std::array<double, 5> kNodes{0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717};
  constexpr std::array<double, 5> kWeights{0.2955242247147529, 0.2692667193099963, 0.2190863625159820, 0.1494513491505806, 0.0666713443086881};
  const int panels = std::clamp(static_cast<int>(std::ceil((end - start) * rate)), 1, 1000);
  const double half = (end - start) / panels / 2;
  std::vector<double> weights(nodes.size());
  for (int panel = 0; panel < panels; ++panel) {
    const double middle = start + (2 * panel + 1) * half;
    for (std::size_t p = 0; p < kNodes.size(); ++p)
      for (const double side : {-1.0, 1.0}) {
        const double at = middle + side * half * kNodes[p], density = kWeights[p] * half * rate * std::exp(rate * (at - end));
        for (std::size_t j = 0; j < nodes.size(); ++j) {
          double polynomial = 1;
          for (std::size_t k = 0; k < nodes.size(); ++k)
            if (k != j) polynomial *= (at - nodes[k]) / (nodes[j] - nodes[k]);
          weights[j] += density * polynomial;
        }
      }
  }
  return weights;
}

/// The same for two nodes with the second weight to leading order only.
std::vector<double> simple_weights(const std::vector<double>& nodes, double start, double end, double rate, bool corrector) {
  const double h = end - start, all = -std::expm1(-rate * h);
  if (corrector) return {all - rate * h / 2, rate * h / 2};
  const double older = rate * h * h / 2 / (nodes[0] - nodes[1]);
  return {older, all - older};
}

class Solver {
 public:
  Solver(Walk& walk, const Options& options) : walk_(walk), options_(options) {
    if (options.eta > 0 && options.s_noise > 0) noise_source_.emplace(walk);
    for (std::int64_t i = 0; i <= walk.steps(); ++i) lambdas_.push_back(walk.sigma(i) > 0 ? walk.half_log_snr(walk.sigma(i)) : 0);
  }

  at::Tensor run(at::Tensor x) {
    const auto most = static_cast<std::size_t>(std::max(options_.predictor_order, options_.corrector_order));
    const auto steps = walk_.steps();
    auto predicted = x;  // where the last predictor went
    for (std::int64_t i = 0; i < steps; ++i) {
      auto denoised = walk_.denoise(predicted, walk_.sigma(i));
      walk_.report(i, denoised, predicted);
      predictions_.push_back(denoised);
      if (predictions_.size() > most) predictions_.pop_front();
      const bool last = walk_.sigma(i + 1) == 0;
      if (i == 0 || options_.corrector_order == 0 || (last && !options_.pece)) {
        x = predicted;
      } else {
        x = step(x, i - 1, i, at_most(options_.corrector_order, steps - i), true);
        if (options_.pece) predictions_.back() = denoised = walk_.denoise(x, walk_.sigma(i));
      }
      if (last) x = denoised;
      else {
        tau_ = tau_at(walk_.sigma(i + 1));
        if (tau_ > 0 && noise_source_) noise_ = (*noise_source_)(x);
        predicted = step(x, i, i, at_most(options_.predictor_order, steps - 1 - i), false);
        if (i + 1 == steps) x = predicted;
      }
    }
    return x;
  }

 private:
  /// Towards an end at sigma 0 the orders fall with the steps that are left.
  std::int64_t at_most(std::int64_t order, std::int64_t left) const { return walk_.sigmas.back() == 0 ? std::min(order, left) : order; }
  double tau_at(double sigma) const { return sigma <= options_.tau_from && sigma >= options_.tau_to ? options_.eta : 0; }

  /// From x at step `from` to the next, with the last predictions up to that at step `newest`. Both stages of a step share their noise.
  at::Tensor step(const at::Tensor& x, std::int64_t from, std::int64_t newest, std::int64_t most, bool corrector) const {
    const auto order = std::min<std::int64_t>(most, static_cast<std::int64_t>(predictions_.size()));
    std::vector<double> nodes;  // oldest first
    for (std::int64_t k = newest - order + 1; k <= newest; ++k) nodes.push_back(lambda(k));
    const double start = lambda(from), end = lambda(from + 1), next = walk_.sigma(from + 1), rate = 1 + tau_ * tau_;
    const auto weights =
        options_.simple_order_2 && order == 2 ? simple_weights(nodes, start, end, rate, corrector) : adams_weights(nodes, start, end, rate);
    auto result = x * (next / walk_.sigma(from) * std::exp(-tau_ * tau_ * (end - start)));
    const auto first = predictions_.size() - static_cast<std::size_t>(order);
    for (std::size_t k = 0; k < weights.size(); ++k) result.add_(predictions_[first + k], walk_.alpha(next) * weights[k]);
    if (tau_ > 0 && noise_source_) result.add_(noise_, next * std::sqrt(-std::expm1(-2 * tau_ * tau_ * (end - start))) * options_.s_noise);
    return result;
  }

  double lambda(std::int64_t i) const { return lambdas_[static_cast<std::size_t>(i)]; }

  Walk& walk_;
  Options options_;
  std::optional<StepNoise> noise_source_;
  std::vector<double> lambdas_;
  std::deque<at::Tensor> predictions_;  ///< oldest first
  at::Tensor noise_;                    ///< of the step under way
  double tau_ = 0;                      ///< of the step under way
};

at::Tensor solve(Walk& walk, at::Tensor x, bool pece) {
  walk.begin_below_one();
  const auto& given = walk.options;
  Options options{given.number("eta", 1),
                  given.number("s_noise", 1),
                  given.number("tau_from", walk.sampling().percent_to_sigma(0.2)),
                  given.number("tau_to", walk.sampling().percent_to_sigma(0.8)),
                  static_cast<std::int64_t>(given.number("predictor_order", 3)),
                  static_cast<std::int64_t>(given.number("corrector_order", 4)),
                  pece || given.number("use_pece", 0) != 0,
                  given.number("simple_order_2", 0) != 0};
  if (options.predictor_order < 1 || options.corrector_order < 0) throw InvalidInput("predictor_order: expected at least 1");
  return Solver(walk, options).run(std::move(x));
}

}  // namespace

at::Tensor sa_solver(Walk& walk, at::Tensor x) { return solve(walk, std::move(x), false); }
at::Tensor sa_solver_pece(Walk& walk, at::Tensor x) { return solve(walk, std::move(x), true); }

}  // namespace darkroom::methods
