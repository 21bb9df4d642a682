#pragma once
// Schedules that were found by optimisation for one family of models and published as numbers.

#include <cstdint>
#include <string_view>
#include <vector>

namespace darkroom {

/// Align Your Steps (Sabour et al. 2024, the authors' quickstart guide): `model` "SD1", "SDXL" or "SVD". Eleven sigmas are published; other
/// numbers of steps are interpolated in log sigma. `denoise` < 1 keeps the last round(steps * denoise) steps; 0 gives none.
std::vector<float> align_your_steps_schedule(std::string_view model, std::int64_t steps, double denoise);

/// Geometry-inspired time scheduling (Chen et al. 2024): one table for each coefficient 0.80, 0.85, ... 1.50 and 2 to 20 steps; beyond
/// that the longest is interpolated in log sigma. Throws InvalidInput for another coefficient.
std::vector<float> gits_schedule(double coeff, std::int64_t steps, double denoise);

/// Optimal steps for flow models (Pei et al. 2025): `model` "FLUX", "Wan" or "Chroma".
std::vector<float> optimal_steps_schedule(std::string_view model, std::int64_t steps, double denoise);

}  // namespace darkroom
