#pragma once
// The noise schedule of a model, and what its output means: sigmas, timesteps, prediction types.
// Sources: Karras et al. 2022 (EDM preconditioning), Salimans & Ho 2022 (v-prediction), Lin et al. 2023 (zero terminal SNR).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace darkroom {

enum class Prediction {
  kEps, kV, kX0, kEdm, kLcm, kFlow,
  kImage,    ///< the output is the denoised latent and the network is given x as it is
  kVeFlow,   ///< a flow's velocity, of x with its noise added (Cosmos): x / (1 + sigma) is the flow's x at time sigma / (1 + sigma)
};

/// Immutable; a patch (ModelSamplingDiscrete, ...) makes another one.
class ModelSampling {
 public:
  virtual ~ModelSampling() = default;

  virtual Prediction prediction() const = 0;
  virtual double sigma_min() const = 0;
  virtual double sigma_max() const = 0;
  /// The table of sigmas, rising, float32. Schedulers `simple` and `ddim_uniform` pick from it.
  virtual const std::vector<float>& sigmas() const = 0;
  virtual double timestep(double sigma) const = 0;  ///< what the network is given
  virtual double sigma(double timestep) const = 0;
  virtual double percent_to_sigma(double percent) const = 0;  ///< 0 -> 999999999.9 (flow: 1), 1 -> 0

  /// What the network sees of `x` at `sigma`. `sigma` float32 [B].
  virtual at::Tensor input(const at::Tensor& x, const at::Tensor& sigma) const = 0;
  /// The denoised latent out of the network's output.
  virtual at::Tensor denoised(const at::Tensor& output, const at::Tensor& x, const at::Tensor& sigma) const = 0;
  /// `noise` at `sigma` over `latent`: the sampler's start. `max_denoise`: the first sigma is the schedule's largest.
  virtual at::Tensor add_noise(double sigma, const at::Tensor& noise, const at::Tensor& latent, bool max_denoise) const = 0;
  /// Undoes the scale that add_noise leaves at the end (flow models cut short); identity elsewhere.
  virtual at::Tensor remove_scale(double sigma, const at::Tensor& latent) const = 0;
};

/// SD1.x, SD2.x and SDXL: 1000 betas, scaled linear from 0.00085 to 0.012.
std::shared_ptr<const ModelSampling> discrete_sampling(Prediction prediction, bool zero_terminal_snr = false);
/// ModelSamplingDiscrete "lcm": a table of every 20th sigma (Luo et al. 2023).
std::shared_ptr<const ModelSampling> lcm_sampling(bool zero_terminal_snr = false);
/// ModelSamplingContinuousEDM / ContinuousV: 1000 log-spaced sigmas; `prediction` kEps, kV, kEdm, kX0 or kVeFlow (which has no sigma_data).
std::shared_ptr<const ModelSampling> continuous_edm_sampling(Prediction prediction, double sigma_min, double sigma_max, double sigma_data);
std::shared_ptr<const ModelSampling> continuous_v_sampling(Prediction prediction, double sigma_min, double sigma_max);
/// ModelSamplingSD3: flow matching with a shift.
std::shared_ptr<const ModelSampling> flow_sampling(double shift, double multiplier = 1000);

}  // namespace darkroom
