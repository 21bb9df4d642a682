#include "diffusion/samplers/walk.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace darkroom {

double Walk::half_log_snr(double sigma) const { return is_flow() ? std::log((1 - sigma) / sigma) : -std::log(sigma); }

double Walk::sigma_of(double half_log_snr) const { return is_flow() ? 1 / (1 + std::exp(half_log_snr)) : std::exp(-half_log_snr); }

void Walk::begin_below_one() {
  constexpr double kAlmostAll = 1e-4;  // of the schedule's percent
  if (is_flow() && sigmas.size() > 1 && sigmas.front() >= 1) sigmas.front() = sampling().percent_to_sigma(kAlmostAll);
}

namespace {

std::uint64_t successor(std::uint64_t seed) {
  if (seed == std::numeric_limits<std::uint64_t>::max())
    throw InvalidInput("this sampler draws its noise from seed + 1: the largest seed is 18446744073709551614");
  return seed + 1;
}

}  // namespace

StepNoise::StepNoise(const Walk& walk) : source_(successor(walk.run.seed)) {}

at::Tensor StepNoise::operator()(const at::Tensor& like) { return source_.draw(like.sizes()).to(like.device()); }

PathNoise::PathNoise(const Walk& walk, const at::Tensor& like) : device_(like.device()) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const double sigma : walk.sigmas) {
    if (sigma > 0) low = std::min(low, sigma);
    high = std::max(high, sigma);
  }
  if (low < high) tree_.emplace(low, high, walk.run.seed, like.sizes().vec());
}

at::Tensor PathNoise::operator()(double sigma, double next) {
  if (!tree_) throw InvalidInput("this sampler needs a schedule with two different sigmas above 0");
  return tree_->noise(sigma, next).to(device_);
}

at::Tensor combine(std::initializer_list<std::pair<double, const at::Tensor*>> terms) {
  at::Tensor sum;
  for (const auto& [factor, tensor] : terms) {
    if (!sum.defined()) sum = tensor->mul(factor);
    else sum.add_(*tensor, factor);
  }
  return sum;
}

at::Tensor direction(const at::Tensor& x, double sigma, const at::Tensor& denoised) { return (x - denoised).div_(sigma); }

AncestralStep ancestral_step(double sigma, double next, double eta) {
  if (eta == 0) return {next, 0};
  const double up = std::min(next, eta * std::sqrt(next * next * (sigma * sigma - next * next) / (sigma * sigma)));
  return {std::sqrt(next * next - up * up), up};
}

FlowAncestralStep flow_ancestral_step(double sigma, double next, double eta) {
  const double down = next * (1 + (next / sigma - 1) * eta);
  const double keep = (1 - next) / (1 - down);
  return {down, keep, std::sqrt(std::max(0.0, next * next - down * down * keep * keep))};
}

}  // namespace darkroom
