#include "diffusion/model_sampling.hpp"

#include <ATen/ops/argmin.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/sqrt.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr double kBeforeAnything = 999999999.9;  ///< what percent 0 means: larger than any sigma
constexpr int kTimesteps = 1000;

/// [B] -> [B,1,1,...] beside x.
at::Tensor beside(const at::Tensor& sigma, const at::Tensor& x) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = sigma.dim() ? sigma.size(0) : 1;
  return sigma.view(shape);
}

/// Preconditioning of Karras et al. 2022 (eq. 7 and table 1): noise of any sigma is added to data of spread `sigma_data`.
class VarianceExploding : public ModelSampling {
 public:
  VarianceExploding(Prediction prediction, double sigma_data) : prediction_(prediction), sigma_data_(sigma_data) {}

  Prediction prediction() const override { return prediction_; }
  double sigma_min() const override { return table_.front(); }
  double sigma_max() const override { return table_.back(); }
  const std::vector<float>& sigmas() const override { return table_; }

  double percent_to_sigma(double percent) const override {
    if (percent <= 0) return kBeforeAnything;
    if (percent >= 1) return 0;
    return sigma_of_percent(percent);
  }

  at::Tensor input(const at::Tensor& x, const at::Tensor& sigma) const override {
    if (prediction_ == Prediction::kImage) return x;
    const auto s = beside(sigma, x);
    return x / at::sqrt(s * s + sigma_data_ * sigma_data_);
  }

  at::Tensor denoised(const at::Tensor& output, const at::Tensor& x, const at::Tensor& sigma) const override {
    const auto s = beside(sigma, x);
    if (prediction_ == Prediction::kEps) return x - output * s;
    if (prediction_ == Prediction::kX0 || prediction_ == Prediction::kImage) return output;
    const double data = sigma_data_ * sigma_data_;
    const auto total = s * s + data;
    const auto kept = x * (data / total);
    const auto told = output * (s * sigma_data_ / at::sqrt(total));
    return prediction_ == Prediction::kEdm ? kept + told : kept - told;
  }

  at::Tensor add_noise(double sigma, const at::Tensor& noise, const at::Tensor& latent, bool max_denoise) const override {
    return noise * (max_denoise ? std::sqrt(1 + sigma * sigma) : sigma) + latent;
  }
  at::Tensor remove_scale(double, const at::Tensor& latent) const override { return latent; }

 protected:
  virtual double sigma_of_percent(double percent) const = 0;

  Prediction prediction_;
  double sigma_data_;
  std::vector<float> table_;
};

/// sqrt((1 - abar) / abar) of the 1000 betas of Stable Diffusion (Ho et al. 2020, Rombach et al. 2022).
std::vector<double> scaled_linear_sigmas() {
  const double first = std::sqrt(0.00085), last = std::sqrt(0.012), step = (last - first) / (kTimesteps - 1);
  std::vector<double> sigmas(kTimesteps);
  double kept = 1;
  for (int i = 0; i < kTimesteps; ++i) {
    const double root = i < kTimesteps / 2 ? first + step * i : last - step * (kTimesteps - 1 - i);
    kept *= 1 - root * root;
    sigmas[static_cast<std::size_t>(i)] = std::sqrt((1 - kept) / kept);
  }
  return sigmas;
}

/// Lin et al. 2023, algorithm 1: sqrt(abar) is shifted so that its last value is 0, and scaled so that its first stays.
void rescale_to_zero_terminal_snr(std::vector<double>& sigmas) {
  constexpr double kLastAbar = 4.8973451890853435e-08;  // not quite 0: sigma stays finite
  const auto root = [](double sigma) { return std::sqrt(1 / (sigma * sigma + 1)); };
  const double first = root(sigmas.front()), last = root(sigmas.back());
  for (auto& sigma : sigmas) {
    const double shifted = (root(sigma) - last) * (first / (first - last));
    const double kept = &sigma == &sigmas.back() ? kLastAbar : shifted * shifted;
    sigma = std::sqrt((1 - kept) / kept);
  }
}

/// A table of sigmas, one a timestep; between two, linear in log sigma. `stride` timesteps lie between entries, the last is 999.
class Discrete : public VarianceExploding {
 public:
  Discrete(Prediction prediction, bool zero_terminal_snr, int stride = 1) : VarianceExploding(prediction, 1), stride_(stride) {
    const auto all = scaled_linear_sigmas();
    std::vector<double> sigmas;
    for (std::size_t i = static_cast<std::size_t>(stride - 1); i < all.size(); i += static_cast<std::size_t>(stride)) sigmas.push_back(all[i]);
    if (zero_terminal_snr) rescale_to_zero_terminal_snr(sigmas);
    for (const double sigma : sigmas) {
      table_.push_back(static_cast<float>(sigma));
      log_table_.push_back(static_cast<float>(std::log(sigma)));
    }
  }

  double timestep(double sigma) const override {
    const float wanted = std::log(static_cast<float>(sigma));
    std::size_t nearest = 0;
    for (std::size_t i = 1; i < log_table_.size(); ++i)
      if (std::abs(wanted - log_table_[i]) < std::abs(wanted - log_table_[nearest])) nearest = i;
    return static_cast<double>(static_cast<int>(nearest) * stride_ + stride_ - 1);
  }

  double sigma(double timestep) const override {
    const auto last = static_cast<float>(table_.size() - 1);
    const float at = std::clamp((static_cast<float>(timestep) - static_cast<float>(stride_ - 1)) / static_cast<float>(stride_), 0.0F, last);
    const float low = std::floor(at), part = at - low;
    const auto below = log_table_[static_cast<std::size_t>(low)], above = log_table_[static_cast<std::size_t>(std::ceil(at))];
    return std::exp((1 - part) * below + part * above);
  }

 protected:
  double sigma_of_percent(double percent) const override { return sigma((1 - percent) * (kTimesteps - 1)); }

  int stride_;
  std::vector<float> log_table_;
};

/// Latent consistency models (Luo et al. 2023, appendix): the eps estimate mixed with x by the boundary conditions c_skip and c_out.
class Consistency final : public Discrete {
 public:
  explicit Consistency(bool zero_terminal_snr) : Discrete(Prediction::kLcm, zero_terminal_snr, 20) {}

  at::Tensor denoised(const at::Tensor& output, const at::Tensor& x, const at::Tensor& sigma) const override {
    constexpr double kData = 0.5, kTimestepScale = 10;
    const auto s = beside(sigma, x);
    const auto table = at::from_blob(const_cast<float*>(log_table_.data()), {static_cast<std::int64_t>(log_table_.size())}, at::kFloat).to(x.device());
    const auto nearest = (sigma.reshape({-1, 1}).log() - table).abs().argmin(1).to(at::kFloat);
    const auto scaled = beside((nearest * stride_ + (stride_ - 1)) * kTimestepScale, x);
    const auto total = scaled * scaled + kData * kData;
    return (x - output * s) * (scaled / at::sqrt(total)) + x * (kData * kData / total);
  }
};

/// 1000 sigmas, evenly spaced in log sigma.
std::vector<float> log_spaced(double sigma_min, double sigma_max) {
  const auto sigmas = at::linspace(std::log(sigma_min), std::log(sigma_max), kTimesteps, at::kFloat).exp();
  return {sigmas.data_ptr<float>(), sigmas.data_ptr<float>() + sigmas.numel()};
}

/// Any sigma between two ends; percent runs along log sigma.
class Continuous : public VarianceExploding {
 public:
  Continuous(Prediction prediction, double sigma_min, double sigma_max, double sigma_data)
      : VarianceExploding(prediction, sigma_data), log_min_(std::log(sigma_min)), log_max_(std::log(sigma_max)) {
    if (!(sigma_min > 0) || !(sigma_max >= sigma_min))
      throw InvalidInput("sigma_min: expected 0 < sigma_min <= sigma_max, got " + std::to_string(sigma_min) + " and " + std::to_string(sigma_max));
    table_ = log_spaced(sigma_min, sigma_max);
  }

 protected:
  double sigma_of_percent(double percent) const override { return std::exp((log_max_ - log_min_) * (1 - percent) + log_min_); }

 private:
  double log_min_, log_max_;
};

/// Karras et al. 2022: the network is given log(sigma) / 4.
class ContinuousEdm final : public Continuous {
 public:
  using Continuous::Continuous;
  double timestep(double sigma) const override { return 0.25 * std::log(sigma); }
  double sigma(double timestep) const override { return std::exp(timestep / 0.25); }
};

/// A flow in the terms of added noise: the network is given the flow's time.
class ContinuousFlow final : public Continuous {
 public:
  ContinuousFlow(double sigma_min, double sigma_max) : Continuous(Prediction::kVeFlow, sigma_min, sigma_max, 1) {}
  double timestep(double sigma) const override { return sigma / (sigma + 1); }
  double sigma(double timestep) const override { return timestep / (1 - timestep); }
  at::Tensor input(const at::Tensor& x, const at::Tensor& sigma) const override { return x / (beside(sigma, x) + 1.0); }
  at::Tensor denoised(const at::Tensor& output, const at::Tensor& x, const at::Tensor& sigma) const override {
    const auto s = beside(sigma, x);
    return (x - output * s) / (s + 1.0);
  }
  at::Tensor add_noise(double sigma, const at::Tensor& noise, const at::Tensor& latent, bool) const override { return noise * sigma + latent; }
};

/// Salimans & Ho 2022: the network is given the angle between data and noise, in right angles. In float32: near a right angle its rounding
/// shows in sigma.
class ContinuousV final : public Continuous {
 public:
  using Continuous::Continuous;
  double timestep(double sigma) const override { return std::atan(static_cast<float>(sigma)) / kPi * 2; }
  double sigma(double timestep) const override { return std::tan(static_cast<float>(timestep) * kPi / 2); }

 private:
  static constexpr float kPi = std::numbers::pi_v<float>;
};

/// Flow matching (Esser et al. 2024): x = (1 - sigma) * data + sigma * noise, the network tells the velocity noise - data.
class Flow final : public ModelSampling {
 public:
  Flow(double shift, double multiplier) : shift_(shift), multiplier_(multiplier) {
    for (int i = 1; i <= kTimesteps; ++i) {
      const auto part = static_cast<float>(i) / kTimesteps, by = static_cast<float>(shift);
      table_.push_back(shift == 1 ? part : by * part / (1 + static_cast<float>(shift - 1) * part));
    }
  }

  Prediction prediction() const override { return Prediction::kFlow; }
  double sigma_min() const override { return table_.front(); }
  double sigma_max() const override { return table_.back(); }
  const std::vector<float>& sigmas() const override { return table_; }
  double timestep(double sigma) const override { return sigma * multiplier_; }
  double sigma(double timestep) const override { return shifted(timestep / multiplier_); }
  double percent_to_sigma(double percent) const override { return percent <= 0 ? 1 : percent >= 1 ? 0 : shifted(1 - percent); }

  at::Tensor input(const at::Tensor& x, const at::Tensor&) const override { return x; }
  at::Tensor denoised(const at::Tensor& output, const at::Tensor& x, const at::Tensor& sigma) const override { return x - output * beside(sigma, x); }
  at::Tensor add_noise(double sigma, const at::Tensor& noise, const at::Tensor& latent, bool) const override {
    return noise * sigma + latent * (1 - sigma);
  }
  at::Tensor remove_scale(double sigma, const at::Tensor& latent) const override { return latent / (1 - sigma); }

 private:
  double shifted(double t) const { return shift_ == 1 ? t : shift_ * t / (1 + (shift_ - 1) * t); }

  double shift_, multiplier_;
  std::vector<float> table_;
};

}  // namespace

std::shared_ptr<const ModelSampling> discrete_sampling(Prediction prediction, bool zero_terminal_snr) {
  if (prediction == Prediction::kLcm) return lcm_sampling(zero_terminal_snr);
  return std::make_shared<Discrete>(prediction, zero_terminal_snr);
}

std::shared_ptr<const ModelSampling> lcm_sampling(bool zero_terminal_snr) { return std::make_shared<Consistency>(zero_terminal_snr); }

std::shared_ptr<const ModelSampling> continuous_edm_sampling(Prediction prediction, double sigma_min, double sigma_max, double sigma_data) {
  if (prediction == Prediction::kVeFlow) return std::make_shared<ContinuousFlow>(sigma_min, sigma_max);
  return std::make_shared<ContinuousEdm>(prediction, sigma_min, sigma_max, sigma_data);
}

std::shared_ptr<const ModelSampling> continuous_v_sampling(Prediction prediction, double sigma_min, double sigma_max) {
  return std::make_shared<ContinuousV>(prediction, sigma_min, sigma_max, 1);
}

std::shared_ptr<const ModelSampling> flow_sampling(double shift, double multiplier) { return std::make_shared<Flow>(shift, multiplier); }

}  // namespace darkroom
