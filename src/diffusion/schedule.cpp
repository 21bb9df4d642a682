#include "diffusion/schedule.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/linspace.h>

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "base/error.hpp"
#include "diffusion/sampler.hpp"

namespace darkroom {
namespace {

constexpr double kAlmostZero = 1e-5;  ///< an end that is this small is the closing 0 itself

/// `points` timesteps, evenly spaced from that of sigma_max to that of sigma_min.
at::Tensor spaced_timesteps(const ModelSampling& sampling, std::int64_t points) {
  return at::linspace(sampling.timestep(sampling.sigma_max()), sampling.timestep(sampling.sigma_min()), points, at::kFloat);
}

std::vector<float> evenly_in_time(const ModelSampling& sampling, std::int64_t steps, bool sgm) {
  const bool ends_at_zero = !sgm && sampling.sigma(sampling.timestep(sampling.sigma_min())) <= kAlmostZero;
  const auto timesteps = spaced_timesteps(sampling, steps + (sgm || ends_at_zero));
  const auto kept = timesteps.numel() - sgm;
  std::vector<float> sigmas;
  for (std::int64_t i = 0; i < kept; ++i) sigmas.push_back(static_cast<float>(sampling.sigma(timesteps.const_data_ptr<float>()[i])));
  if (!ends_at_zero) sigmas.push_back(0);
  return sigmas;
}

std::vector<float> simple(const ModelSampling& sampling, std::int64_t steps) {
  const auto& table = sampling.sigmas();
  const double stride = static_cast<double>(table.size()) / static_cast<double>(steps);
  std::vector<float> sigmas;
  for (std::int64_t i = 0; i < steps; ++i) sigmas.push_back(table[table.size() - 1 - static_cast<std::size_t>(static_cast<double>(i) * stride)]);
  sigmas.push_back(0);
  return sigmas;
}

std::vector<float> ddim_uniform(const ModelSampling& sampling, std::int64_t steps) {
  const auto& table = sampling.sigmas();
  std::vector<float> rising;
  if (table.size() < 2 || table[1] > kAlmostZero) rising.push_back(0);
  else ++steps;
  const auto stride = std::max<std::size_t>(table.size() / static_cast<std::size_t>(steps), 1);
  for (std::size_t i = 1; i < table.size(); i += stride) rising.push_back(table[i]);
  return {rising.rbegin(), rising.rend()};
}

/// `falling` as float32 tensor arithmetic gives it, then 0.
std::vector<float> closed_by_zero(const at::Tensor& falling) {
  const auto* first = falling.const_data_ptr<float>();
  std::vector<float> sigmas(first, first + falling.numel());
  sigmas.push_back(0);
  return sigmas;
}

void check_steps(std::int64_t steps) {
  if (steps < 1) throw InvalidInput("steps: expected at least 1, got " + std::to_string(steps));
}

void check_positive(double value, const char* name) {
  if (!(value > 0)) throw InvalidInput(std::string(name) + ": expected a number above 0, got " + std::to_string(value));
}

}  // namespace

const std::vector<std::string>& scheduler_names() {
  static const std::vector<std::string> names{"simple", "sgm_uniform",      "karras",           "exponential", "ddim_uniform",
                                              "beta",   "normal", "linear_quadratic", "kl_optimal"};
  return names;
}

std::vector<float> karras_schedule(std::int64_t steps, double sigma_min, double sigma_max, double rho) {
  check_steps(steps);
  check_positive(rho, "rho");
  const double low = std::pow(sigma_min, 1 / rho), high = std::pow(sigma_max, 1 / rho);
  return closed_by_zero((at::linspace(0, 1, steps, at::kFloat) * (low - high) + high).pow(rho).contiguous());
}

std::vector<float> exponential_schedule(std::int64_t steps, double sigma_min, double sigma_max) {
  check_steps(steps);
  check_positive(sigma_min, "sigma_min");
  check_positive(sigma_max, "sigma_max");
  return closed_by_zero(at::linspace(std::log(sigma_max), std::log(sigma_min), steps, at::kFloat).exp());
}

std::vector<float> polyexponential_schedule(std::int64_t steps, double sigma_min, double sigma_max, double rho) {
  check_steps(steps);
  check_positive(sigma_min, "sigma_min");
  check_positive(sigma_max, "sigma_max");
  const auto ramp = at::linspace(1, 0, steps, at::kFloat).pow(rho);
  return closed_by_zero((ramp * (std::log(sigma_max) - std::log(sigma_min)) + std::log(sigma_min)).exp());
}

std::vector<float> laplace_schedule(std::int64_t steps, double sigma_min, double sigma_max, double mu, double beta) {
  check_steps(steps);
  const auto from_middle = 0.5 - at::linspace(0, 1, steps, at::kFloat);
  const auto log_sigmas = mu - beta * from_middle.sign() * (1 - 2 * from_middle.abs() + 1e-5).log();
  auto sigmas = closed_by_zero(log_sigmas.exp().clamp(sigma_min, sigma_max).contiguous());
  sigmas.pop_back();
  return sigmas;
}

std::vector<float> vp_schedule(std::int64_t steps, double beta_d, double beta_min, double eps_s) {
  check_steps(steps);
  const auto t = at::linspace(1, eps_s, steps, at::kFloat);
  return closed_by_zero((beta_d * t * t / 2 + beta_min * t).expm1().sqrt());
}

std::vector<float> kl_optimal_schedule(std::int64_t steps, double sigma_min, double sigma_max) {
  check_steps(steps);
  const auto part = at::arange(steps, at::kFloat) / std::max<double>(1, static_cast<double>(steps - 1));
  return closed_by_zero((part * std::atan(sigma_min) + (1 - part) * std::atan(sigma_max)).tan());
}

std::vector<float> linear_quadratic_schedule(std::int64_t steps, double sigma_max, double threshold) {
  check_steps(steps);
  std::vector<float> sigmas;
  const auto add = [&](double noise_taken) { sigmas.push_back(static_cast<float>(1 - noise_taken) * static_cast<float>(sigma_max)); };
  if (steps == 1) add(0);
  else {
    const std::int64_t linear = steps / 2, quadratic = steps - linear;
    const double n = static_cast<double>(linear), q = static_cast<double>(quadratic);
    const double bend = (n - threshold * static_cast<double>(steps)) / (n * q * q);  // reaches 1 at the last step, with the line's slope at n
    const double slope = threshold / n - 2 * bend * n;
    for (std::int64_t i = 0; i < steps; ++i) {
      const double at = static_cast<double>(i);
      add(i < linear ? at * threshold / n : bend * at * at + slope * at + bend * n * n);
    }
  }
  sigmas.push_back(0);
  return sigmas;
}

std::vector<float> beta_schedule(const ModelSampling& sampling, std::int64_t steps, double alpha, double beta) {
  check_steps(steps);
  check_positive(alpha, "alpha");
  check_positive(beta, "beta");
  const auto& table = sampling.sigmas();
  const double last = static_cast<double>(table.size() - 1);
  std::vector<float> sigmas;
  double before = -1;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double probability = 1 - static_cast<double>(i) / static_cast<double>(steps);
    const double entry = std::nearbyint(boost::math::ibeta_inv(alpha, beta, probability) * last);
    if (entry != before) sigmas.push_back(table[static_cast<std::size_t>(entry)]);
    before = entry;
  }
  sigmas.push_back(0);
  return sigmas;
}

std::vector<float> schedule(const ModelSampling& sampling, std::string_view scheduler, std::int64_t steps) {
  check_steps(steps);
  const double low = sampling.sigma_min(), high = sampling.sigma_max();
  if (scheduler == "simple") return simple(sampling, steps);
  if (scheduler == "sgm_uniform") return evenly_in_time(sampling, steps, true);
  if (scheduler == "karras") return karras_schedule(steps, low, high);
  if (scheduler == "exponential") return exponential_schedule(steps, low, high);
  if (scheduler == "ddim_uniform") return ddim_uniform(sampling, steps);
  if (scheduler == "beta") return beta_schedule(sampling, steps);
  if (scheduler == "normal") return evenly_in_time(sampling, steps, false);
  if (scheduler == "linear_quadratic") return linear_quadratic_schedule(steps, high);
  if (scheduler == "kl_optimal") return kl_optimal_schedule(steps, low, high);
  throw InvalidInput("scheduler: \"" + std::string(scheduler) + "\" is not known");
}

std::vector<float> ksampler_schedule(const ModelSampling& sampling, std::string_view sampler, std::string_view scheduler, std::int64_t steps,
                                     double denoise) {
  constexpr double kWhole = 0.9999;
  const auto whole = [&](std::int64_t count) {
    const bool discards = discards_penultimate_sigma(sampler);
    auto sigmas = schedule(sampling, scheduler, count + discards);
    if (discards) sigmas.erase(sigmas.end() - 2);
    return sigmas;
  };
  check_steps(steps);
  if (denoise > kWhole) return whole(steps);
  if (!(denoise > 0)) return {};
  const double longer = static_cast<double>(steps) / denoise;
  if (longer > 1e6) throw InvalidInput("denoise: " + std::to_string(denoise) + " is too small for " + std::to_string(steps) + " steps");
  auto sigmas = whole(static_cast<std::int64_t>(longer));
  const auto kept = std::min(sigmas.size(), static_cast<std::size_t>(steps + 1));
  return {sigmas.end() - static_cast<std::ptrdiff_t>(kept), sigmas.end()};
}

}  // namespace darkroom
