// Linear multistep methods of Adams and Bashforth on the probability-flow ODE: with the true spacing of the sigmas (lms), as if they were
// evenly spaced (ipndm: Zhang & Chen 2022, after Liu et al. 2022), and ipndm with coefficients for uneven spacing (ipndm_v).
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

#include "base/error.hpp"
#include "diffusion/samplers/methods.hpp"

namespace darkroom::methods {
namespace {

/// Product of (tau - sigma_k) / (sigma_j - sigma_k) over the last `order` sigmas before step i + 1, k != j: Lagrange's polynomial of point i - j.
double lagrange(const std::vector<double>& sigmas, std::int64_t order, std::int64_t i, std::int64_t j, double tau) {
  double product = 1;
  for (std::int64_t k = 0; k < order; ++k)
    if (k != j) product *= (tau - sigmas[static_cast<std::size_t>(i - k)]) / (sigmas[static_cast<std::size_t>(i - j)] - sigmas[static_cast<std::size_t>(i - k)]);
  return product;
}

/// Its integral over the step, by Gauss-Legendre quadrature of ten points, exact up to order 20.
double multistep_coefficient(const std::vector<double>& sigmas, std::int64_t order, std::int64_t i, std::int64_t j) {
  constexpr std::array<double, 5> kNodes{0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717};
  constexpr std::array<double, 5> kWeights{0.2955242247147529, 0.2692667193099963, 0.2190863625159820, 0.1494513491505806, 0.0666713443086881};
  const double from = sigmas[static_cast<std::size_t>(i)], to = sigmas[static_cast<std::size_t>(i + 1)];
  const double middle = (from + to) / 2, half = (to - from) / 2;
  double sum = 0;
  for (std::size_t p = 0; p < kNodes.size(); ++p)
    for (const double side : {-1.0, 1.0}) sum += kWeights[p] * lagrange(sigmas, order, i, j, middle + side * half * kNodes[p]);
  return sum * half;
}

/// Coefficients of the last directions, newest first, for one step over `h0` after steps h1, h2, h3.
std::array<double, 4> even_coefficients(std::size_t order) {
  switch (order) {
    case 1: return {1, 0, 0, 0};
    case 2: return {3.0 / 2, -1.0 / 2, 0, 0};
    case 3: return {23.0 / 12, -16.0 / 12, 5.0 / 12, 0};
    default: return {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24};
  }
}

std::array<double, 4> uneven_coefficients(std::size_t order, double h0, double h1, double h2, double h3) {
  if (order == 1) return {1, 0, 0, 0};
  const double first = (2 + h0 / h1) / 2, second = -(h0 / h1) / 2;
  if (order == 2) return {first, second, 0, 0};
  const double a = (1 - h0 / (3 * (h0 + h1)) * (h0 * (h0 + h1)) / (h1 * (h1 + h2))) / 2;
  const double third = a * h1 / h2;
  if (order == 3) return {first + a, second - (1 + h1 / h2) * a, third, 0};
  const double b = ((1 - h0 / (3 * (h0 + h1))) / 2 + (1 - h0 / (2 * (h0 + h1))) * h0 / (6 * (h0 + h1 + h2))) *
                   (h0 * (h0 + h1) * (h0 + h1 + h2)) / (h1 * (h1 + h2) * (h1 + h2 + h3));
  const double ratio = h1 * (h1 + h2) / (h2 * (h2 + h3));
  return {first + a + b, second - (1 + h1 / h2) * a - (1 + h1 / h2 + ratio) * b, third + (h1 / h2 + ratio * (1 + h2 / h3)) * b, -b * ratio * h1 / h2};
}

template <class Coefficients>
at::Tensor improved_pseudo_steps(Walk& walk, at::Tensor x, const Coefficients& coefficients) {
  constexpr std::size_t kOrder = 4;
  std::deque<at::Tensor> directions;  // newest first
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i), next = walk.sigma(i + 1);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    directions.push_front(direction(x, sigma, denoised));
    if (directions.size() > kOrder) directions.pop_back();
    if (next == 0) {
      x = denoised;
      continue;
    }
    const auto factors = coefficients(i, directions.size());
    x = x.clone();
    for (std::size_t k = 0; k < directions.size(); ++k) x.add_(directions[k], factors[k] * (next - sigma));
  }
  return x;
}

}  // namespace

at::Tensor lms(Walk& walk, at::Tensor x) {
  const auto order = static_cast<std::int64_t>(walk.options.number("order", 4));
  if (order < 1 || order > 100) throw InvalidInput("order: expected 1 to 100, got " + std::to_string(order));
  std::deque<at::Tensor> directions;  // newest first
  for (std::int64_t i = 0; i < walk.steps(); ++i) {
    const double sigma = walk.sigma(i);
    const auto denoised = walk.denoise(x, sigma);
    walk.report(i, denoised, x);
    directions.push_front(direction(x, sigma, denoised));
    if (static_cast<std::int64_t>(directions.size()) > order) directions.pop_back();
    if (walk.sigma(i + 1) == 0) {
      x = denoised;
      continue;
    }
    const auto now = static_cast<std::int64_t>(directions.size());
    x = x.clone();
    for (std::int64_t j = 0; j < now; ++j) x.add_(directions[static_cast<std::size_t>(j)], multistep_coefficient(walk.sigmas, now, i, j));
  }
  return x;
}

at::Tensor ipndm(Walk& walk, at::Tensor x) {
  return improved_pseudo_steps(walk, std::move(x), [](std::int64_t, std::size_t order) { return even_coefficients(order); });
}

at::Tensor ipndm_v(Walk& walk, at::Tensor x) {
  const auto length = [&](std::int64_t i) { return i < 0 ? 0 : walk.sigma(i + 1) - walk.sigma(i); };
  return improved_pseudo_steps(walk, std::move(x), [&](std::int64_t i, std::size_t order) {
    return uneven_coefficients(order, length(i), length(i - 1), length(i - 2), length(i - 3));
  });
}

}  // namespace darkroom::methods
