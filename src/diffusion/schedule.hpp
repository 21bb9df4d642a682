#pragma once
// Schedulers: which sigmas a run goes through.
// Sources: Karras et al. 2022 (karras), Song et al. 2021 (vp), Xu et al. 2024 "Schedule on the fly" (laplace: Hang et al. 2024),
// Polyak et al. 2024 (linear_quadratic), Sabour et al. 2024 (kl_optimal, eq. 15), Lee et al. 2024 (beta).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diffusion/model_sampling.hpp"

namespace darkroom {

/// Names of the KSampler list, in its order: "simple", "sgm_uniform", ...
const std::vector<std::string>& scheduler_names();

/// The sigmas of `steps` steps, falling, with the closing 0; their number may differ from steps + 1 (ddim_uniform, beta).
/// Throws InvalidInput for an unknown name and for steps < 1.
std::vector<float> schedule(const ModelSampling& sampling, std::string_view scheduler, std::int64_t steps);

/// The same as KSampler asks for it: `denoise` < 1 takes the last steps of a longer schedule; 0 gives none.
std::vector<float> ksampler_schedule(const ModelSampling& sampling, std::string_view sampler, std::string_view scheduler, std::int64_t steps, double denoise);

// Schedules that need no model, as float32 values from `sigma_max` down to `sigma_min`, then 0.
std::vector<float> karras_schedule(std::int64_t steps, double sigma_min, double sigma_max, double rho = 7);
std::vector<float> exponential_schedule(std::int64_t steps, double sigma_min, double sigma_max);
std::vector<float> polyexponential_schedule(std::int64_t steps, double sigma_min, double sigma_max, double rho);
/// Without a closing 0: `steps` values.
std::vector<float> laplace_schedule(std::int64_t steps, double sigma_min, double sigma_max, double mu, double beta);
std::vector<float> vp_schedule(std::int64_t steps, double beta_d, double beta_min, double eps_s);
std::vector<float> kl_optimal_schedule(std::int64_t steps, double sigma_min, double sigma_max);
std::vector<float> linear_quadratic_schedule(std::int64_t steps, double sigma_max, double threshold = 0.025);

/// Entries of the model's table at the quantiles of Beta(alpha, beta); repeated entries are dropped. Throws for alpha or beta 0.
std::vector<float> beta_schedule(const ModelSampling& sampling, std::int64_t steps, double alpha = 0.6, double beta = 0.6);

}  // namespace darkroom
