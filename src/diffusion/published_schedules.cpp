#include "diffusion/published_schedules.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "diffusion/gits_tables.hpp"

namespace darkroom {
namespace {

struct Published {
  std::string_view model;
  std::vector<double> sigmas;  ///< the last stands for 0 in interpolations
};

const std::vector<Published>& align_your_steps() {
  static const std::vector<Published> tables{
      {"SD1", {14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092, 0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582}},
      {"SDXL", {14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582}},
      {"SVD", {700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002}},
  };
  return tables;
}

const std::vector<Published>& optimal_steps() {
  static const std::vector<Published> tables{
      {"FLUX", {0.9968, 0.9886, 0.9819, 0.975, 0.966, 0.9471, 0.9158, 0.8287, 0.5512, 0.2808, 0.001}},
      {"Wan", {1, 0.997, 0.995, 0.993, 0.991, 0.989, 0.987, 0.985, 0.98, 0.975, 0.973, 0.968, 0.96, 0.946, 0.927, 0.902, 0.864, 0.776, 0.539, 0.208, 0.001}},
      {"Chroma", {0.992, 0.99,  0.988, 0.985, 0.982, 0.978, 0.973, 0.968, 0.961, 0.953, 0.943, 0.931, 0.917, 0.9,   0.881, 0.858, 0.832, 0.802, 0.769, 0.731, 0.69,
                  0.646, 0.599, 0.55,  0.501, 0.451, 0.402, 0.355, 0.311, 0.27,  0.232, 0.199, 0.169, 0.143, 0.12,  0.101, 0.084, 0.07,  0.058, 0.048, 0.001}},
  };
  return tables;
}

const std::vector<double>& table_of(const std::vector<Published>& tables, std::string_view model) {
  for (const auto& table : tables)
    if (table.model == model) return table.sigmas;
  throw InvalidInput("model_type: \"" + std::string(model) + "\" is not known");
}

/// The published sigmas for another number of steps: log sigma is linear between neighbours that lie evenly in 0..1.
std::vector<double> interpolated(const std::vector<double>& sigmas, std::int64_t steps) {
  if (static_cast<std::int64_t>(sigmas.size()) == steps + 1) return sigmas;
  const double last = static_cast<double>(sigmas.size() - 1);
  std::vector<double> result;
  for (std::int64_t i = 0; i <= steps; ++i) {
    const double at = std::min(last, static_cast<double>(i) / static_cast<double>(steps) * last);
    const auto below = static_cast<std::size_t>(at);
    const double part = at - static_cast<double>(below);
    result.push_back(part == 0 ? sigmas[below] : std::exp(std::lerp(std::log(sigmas[below]), std::log(sigmas[below + 1]), part)));
  }
  return result;
}

/// The last round(steps * denoise) steps, down to 0.
std::vector<float> last_part(const std::vector<double>& sigmas, std::int64_t steps, double denoise) {
  if (!(denoise > 0)) return {};
  const auto kept = static_cast<std::size_t>(denoise < 1 ? std::nearbyint(static_cast<double>(steps) * denoise) : static_cast<double>(steps));
  std::vector<float> result(sigmas.end() - static_cast<std::ptrdiff_t>(std::min(kept + 1, sigmas.size())), sigmas.end());
  result.back() = 0;
  return result;
}

void check_steps(std::int64_t steps, std::int64_t least) {
  if (steps < least) throw InvalidInput("steps: expected at least " + std::to_string(least) + ", got " + std::to_string(steps));
}

}  // namespace

std::vector<float> align_your_steps_schedule(std::string_view model, std::int64_t steps, double denoise) {
  check_steps(steps, 1);
  return last_part(interpolated(table_of(align_your_steps(), model), steps), steps, denoise);
}

std::vector<float> optimal_steps_schedule(std::string_view model, std::int64_t steps, double denoise) {
  check_steps(steps, 1);
  return last_part(interpolated(table_of(optimal_steps(), model), steps), steps, denoise);
}

std::vector<float> gits_schedule(double coeff, std::int64_t steps, double denoise) {
  check_steps(steps, 2);
  const double hundredths = std::nearbyint(coeff * 100), row = (hundredths - 80) / 5;
  if (!(row >= 0) || row >= kGitsCoefficients || row != std::floor(row))
    throw InvalidInput("coeff: there are schedules for 0.80, 0.85, ... 1.50, none for " + std::to_string(coeff));
  const auto tabled = std::min<std::int64_t>(steps, kGitsMostSteps);
  const auto* levels = kGitsSchedules[static_cast<std::size_t>(row)].data() + (tabled * (tabled - 1) / 2 - 1);  // after those of 2 ... tabled - 1 steps
  std::vector<double> sigmas;
  for (std::int64_t i = 0; i < tabled; ++i) sigmas.push_back(kGitsLevels[levels[i]]);
  sigmas.push_back(kGitsLastSigma);
  return last_part(interpolated(sigmas, steps), steps, denoise);
}

}  // namespace darkroom
