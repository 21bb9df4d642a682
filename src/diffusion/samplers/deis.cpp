// DEIS (Zhang & Chen 2022), tAB of order 3: Adams-Bashforth with polynomials in the time of a variance-preserving process.
#include <array>
#include <cmath>
#include <deque>

#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

constexpr std::size_t kOrder = 3;
constexpr int kPoints = 10000;  ///< of the sum that stands for the integral; its error is part of the method's numbers

/// sigma(t)^2 + 1 = exp(beta_d t^2 / 2 + beta_min t) (Song et al. 2021), fitted to sigma 0.002 at t = 0.001 and sigma 80 at t = 1.
struct PreservingTime {
  double beta_d, beta_min;

  static PreservingTime fitted() {
    constexpr double kFirst = 1e-3, kLow = 0.002, kHigh = 80;
    const double low = std::log(kLow * kLow + 1), high = std::log(kHigh * kHigh + 1);
    const double beta_d = 2 * (low / kFirst - high) / (kFirst - 1);
    return {beta_d, high - beta_d / 2};
  }
  double time(double sigma) const { return (std::sqrt(beta_min * beta_min + 2 * beta_d * std::log(sigma * sigma + 1)) - beta_min) / beta_d; }
  /// d sigma / dt
  double slope(double t) const {
    const double grown = std::exp(beta_d * t * t / 2 + beta_min * t);
    return (beta_d * t + beta_min) * grown / (2 * std::sqrt(grown - 1));
  }
};

/// Integrals over times[0]..next of Lagrange's polynomials through `times` (newest first), times d sigma.
std::array<double, kOrder> coefficients(const PreservingTime& process, const std::deque<double>& times, double next) {
  std::array<double, kOrder> sums{};
  const double from = times.front(), spacing = (next - from) / (kPoints - 1);
  for (int p = 0; p < kPoints; ++p) {
    const double t = from + spacing * p, slope = process.slope(t);
    for (std::size_t j = 0; j < times.size(); ++j) {
      double polynomial = 1;
      for (std::size_t k = 0; k < times.size(); ++k)
        if (k != j) polynomial *= (t - times[k]) / (times[j] - times[k]);
      sums[j] += slope * polynomial;
    }
  }
  for (auto& sum : sums) sum *= (next - from) / kPoints;
  return sums;
}

}  // namespace

at::Tensor deis(Walk& walk, at::Tensor x) {
  const auto process = PreservingTime::fitted();
  std::deque<at::Tensor> directions;  // newest first
  std::deque<double> times;
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    directions.push_front(direction(x, sigma, denoised));
    times.push_front(process.time(sigma));
    if (directions.size() > kOrder) {
      directions.pop_back();
      times.pop_back();
    }
    if (next == 0) {
      x = denoised;
    } else if (directions.size() == 1) {
      x = x + directions.front() * (next - sigma);
    } else {
      const auto factors = coefficients(process, times, process.time(next));
      x = x.clone();
      for (std::size_t j = 0; j < directions.size(); ++j) x.add_(directions[j], factors[j]);
    }
  }
  return x;
}

}  // namespace darkroom::methods
