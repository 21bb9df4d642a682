#include "diffusion/guider.hpp"

#include <ATen/TensorOperators.h>

#include "diffusion/guidance.hpp"

namespace darkroom {

namespace {

/// Runs the guidance of a step over what was predicted. `recompute` asks the model again for hooks.
GuidanceStep make_step(Predictions& predictions, const at::Tensor& x, double sigma, double cfg, std::vector<at::Tensor> denoised) {
  return GuidanceStep{x, sigma, cfg, predictions.sigmas(), predictions.model().sampling(), std::move(denoised),
                      [&predictions](std::size_t list, const at::Tensor& again, double at_sigma, const UNetPatches* patches) {
                        std::vector<bool> wanted(list + 1, false);
                        wanted[list] = true;
                        return predictions.predict(wanted, again, at_sigma, patches)[list];
                      }};
}

}  // namespace

namespace {

/// Positive, negative, and what the model's hooks want besides.
std::vector<Conditioning> lists_of(const DiffusionModel& model, Conditioning positive, Conditioning negative) {
  std::vector<Conditioning> lists{std::move(positive), std::move(negative)};
  lists.insert(lists.end(), model.hooks.extra.begin(), model.hooks.extra.end());
  return lists;
}

}  // namespace

CfgGuider::CfgGuider(std::shared_ptr<const DiffusionModel> model, Conditioning positive, Conditioning negative, double cfg)
    : Guider(model, lists_of(*model, std::move(positive), std::move(negative))), cfg_(cfg) {}

Denoiser::Result CfgGuider::denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool want_uncond) const {
  const auto& hooks = model().hooks;
  const bool uncond = want_uncond || hooks.needs_uncond || !is_cfg_one(cfg_);
  std::vector<bool> wanted(lists().size(), true);
  wanted[1] = uncond;
  auto step = make_step(predictions, x, sigma, cfg_, predictions.predict(wanted, x, sigma, nullptr));
  auto result = guide(step, hooks);
  return {std::move(result), step.uncond()};
}

DualCfgGuider::DualCfgGuider(std::shared_ptr<const DiffusionModel> model, Conditioning first, Conditioning second, Conditioning negative,
                             double cfg_conds, double cfg_second_negative, bool nested)
    : Guider(std::move(model), {std::move(first), std::move(negative), std::move(second)}), cfg_conds_(cfg_conds),
      cfg_second_negative_(cfg_second_negative), nested_(nested) {}

Denoiser::Result DualCfgGuider::denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool) const {
  const auto all = predictions.predict({true, true, true}, x, sigma, nullptr);
  const auto &first = all[0], &negative = all[1], &second = all[2];
  const auto& hooks = model().hooks;
  if (nested_) {
    auto inner = make_step(predictions, x, sigma, cfg_conds_, {first, second});
    const auto text = guide(inner, hooks);
    return {negative + (text - negative) * cfg_second_negative_, negative};
  }
  auto outer = make_step(predictions, x, sigma, cfg_second_negative_, {second, negative});
  return {guide(outer, hooks) + (first - second) * cfg_conds_, negative};
}

PerpNegGuider::PerpNegGuider(std::shared_ptr<const DiffusionModel> model, Conditioning positive, Conditioning negative, Conditioning empty,
                             double cfg, double negative_scale)
    : Guider(std::move(model), {std::move(positive), std::move(negative), std::move(empty)}), cfg_(cfg), negative_scale_(negative_scale) {}

at::Tensor perp_neg(const at::Tensor& positive, const at::Tensor& negative, const at::Tensor& empty, double negative_scale, double cfg) {
  const auto pos = positive - empty, neg = negative - empty;
  const auto along = (neg * pos).sum() / pos.square().sum() * pos;
  return empty + (pos - (neg - along) * negative_scale) * cfg;
}

Denoiser::Result PerpNegGuider::denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool) const {
  const auto all = predictions.predict({true, true, true}, x, sigma, nullptr);
  auto step = make_step(predictions, x, sigma, cfg_, {all[0], all[1]});
  const auto& hooks = model().hooks;
  for (const auto& before : hooks.before) before(step);
  auto result = perp_neg(step.cond(), step.uncond(), all[2], negative_scale_, cfg_);
  step.denoised[1] = all[2];
  for (const auto& after : hooks.after) result = after(step, result);
  return {std::move(result), all[1]};
}

}  // namespace darkroom
