#pragma once
// Schedulers: which sigmas a run goes through.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diffusion/model_sampling.hpp"

namespace darkroom {

/// Names of the KSampler list, in its order: "simple", "sgm_uniform", ...
const std::vector<std::string>& scheduler_names();

/// The sigmas of `steps` steps, falling, with the closing 0; their number may differ from steps + 1 (ddim_uniform, beta).
/// Throws InvalidInput for an unknown name.
std::vector<float> schedule(const ModelSampling& sampling, std::string_view scheduler, std::int64_t steps);

/// The same as KSampler asks for it: `denoise` < 1 takes the last steps of a longer schedule; 0 gives none.
std::vector<float> ksampler_schedule(const ModelSampling& sampling, std::string_view sampler, std::string_view scheduler, std::int64_t steps, double denoise);

}  // namespace darkroom
