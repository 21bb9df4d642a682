#pragma once
// Lists of sigmas cut, turned and refined by hand.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "diffusion/model_sampling.hpp"

namespace darkroom {

using Sigmas = std::vector<float>;

/// From low to high noise, for unsampling; a leading 0 becomes 0.0001.
Sigmas flipped(const Sigmas& sigmas);
/// Up to the sigma where `step` begins, and from there on; both hold it.
std::pair<Sigmas, Sigmas> split_at(const Sigmas& sigmas, std::int64_t step);
/// The same before the last round(steps * denoise) steps. When these are none, the first part is empty and the second the last sigma.
std::pair<Sigmas, Sigmas> split_denoise(const Sigmas& sigmas, double denoise);
/// Throws InvalidInput for an empty list.
Sigmas with_first(Sigmas sigmas, double first);
/// Each step that begins within end..start is cut into `steps`; `start` below 0 means no upper end. `spacing`: "linear", "cosine" or "sine".
Sigmas extended(const Sigmas& sigmas, std::int64_t steps, double start, double end, std::string_view spacing);
/// The numbers of a text, whatever stands between them. Exponents aren't read: "1e-3" is 1 and -3.
Sigmas parsed_sigmas(std::string_view text);
/// SDXL-Turbo: timesteps 999, 899, ... 99, `steps` of them after the first 10 - int(10 * denoise), then 0.
Sigmas turbo_sigmas(const ModelSampling& sampling, std::int64_t steps, double denoise);
/// What BasicScheduler makes of `denoise`: the last steps of a longer schedule; 0 gives none.
Sigmas basic_schedule(const ModelSampling& sampling, std::string_view scheduler, std::int64_t steps, double denoise);

}  // namespace darkroom
