#pragma once
// GUIDER: which conditioning a run follows, and how the predictions of its lists are joined.

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "diffusion/conditioning.hpp"
#include "diffusion/diffusion_model.hpp"
#include "diffusion/sampler.hpp"

namespace darkroom {

/// The predictions of a run's lists, as guiders ask for them.
class Predictions {
 public:
  virtual ~Predictions() = default;
  /// The denoised latent of each list that is wanted, in the order of the run's lists; the others stay undefined. Entries that are alike are
  /// computed together. `patches`: instead of the model's own.
  virtual std::vector<at::Tensor> predict(const std::vector<bool>& wanted, const at::Tensor& x, double sigma, const UNetPatches* patches) = 0;
  virtual const DiffusionModel& model() const = 0;
  virtual const std::vector<float>& sigmas() const = 0;  ///< of the whole run
};

/// Immutable. Lists: positive first, negative second, others behind.
class Guider {
 public:
  Guider(std::shared_ptr<const DiffusionModel> model, std::vector<Conditioning> lists) : model_(std::move(model)), lists_(std::move(lists)) {}
  virtual ~Guider() = default;
  const DiffusionModel& model() const { return *model_; }
  const std::vector<Conditioning>& lists() const { return lists_; }
  virtual Denoiser::Result denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool want_uncond) const = 0;

 private:
  std::shared_ptr<const DiffusionModel> model_;
  std::vector<Conditioning> lists_;
};

/// Classifier-free guidance of a positive and a negative; without a negative, at scale 1, BasicGuider.
class CfgGuider final : public Guider {
 public:
  CfgGuider(std::shared_ptr<const DiffusionModel> model, Conditioning positive, Conditioning negative, double cfg);
  Denoiser::Result denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool want_uncond) const override;

 private:
  double cfg_;
};

/// Two conditionings with a scale each, over a negative (Brooks et al. 2023, equation 3, in its two orders).
class DualCfgGuider final : public Guider {
 public:
  /// `nested`: the second scale guides from the negative to what the first gives.
  DualCfgGuider(std::shared_ptr<const DiffusionModel> model, Conditioning first, Conditioning second, Conditioning negative, double cfg_conds,
                double cfg_second_negative, bool nested);
  Denoiser::Result denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool want_uncond) const override;

 private:
  double cfg_conds_, cfg_second_negative_;
  bool nested_;
};

/// Perpendicular negative guidance (Armandpour et al. 2023): only what of the negative is not along the positive is pushed away.
class PerpNegGuider final : public Guider {
 public:
  PerpNegGuider(std::shared_ptr<const DiffusionModel> model, Conditioning positive, Conditioning negative, Conditioning empty, double cfg,
                double negative_scale);
  Denoiser::Result denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool want_uncond) const override;

 private:
  double cfg_, negative_scale_;
};

/// The perpendicular formula: `empty + cfg * (pos - scale * (neg perpendicular to pos))`, pos and neg as differences to `empty`.
at::Tensor perp_neg(const at::Tensor& positive, const at::Tensor& negative, const at::Tensor& empty, double negative_scale, double cfg);

}  // namespace darkroom
