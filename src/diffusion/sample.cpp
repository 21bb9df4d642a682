#include "diffusion/sample.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "base/error.hpp"
#include "diffusion/chance.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/predictor.hpp"
#include "diffusion/prepared_conditioning.hpp"

namespace darkroom {

namespace {

/// The guider of a run as samplers see it. With a noise mask the region that is kept is, at every call, the latent noised to the
/// sigma of the call, and the latent again in the result.
class GuidedDenoiser final : public Denoiser {
 public:
  GuidedDenoiser(const Guider& guider, Predictor& predictor) : guider_(guider), predictor_(predictor) {}

  void keep(at::Tensor mask, at::Tensor latent, at::Tensor noise) {
    mask_ = std::move(mask);
    latent_ = std::move(latent);
    noise_ = std::move(noise);
  }

  Result denoise(const at::Tensor& x, double sigma, bool want_uncond) override {
    if (!mask_.defined()) return guider_.denoise(predictor_, x, sigma, want_uncond);
    const auto& changed = guider_.model().hooks.mask;
    const auto mask = changed ? changed(mask_, sigma, predictor_.sigmas(), sampling()) : mask_;
    const auto kept = 1.0 - mask;
    auto result = guider_.denoise(predictor_, x * mask + sampling().add_noise(sigma, noise_, latent_, false) * kept, sigma, want_uncond);
    result.denoised = result.denoised * mask + latent_ * kept;
    return result;
  }
  const ModelSampling& sampling() const override { return guider_.model().sampling(); }

 private:
  const Guider& guider_;
  Predictor& predictor_;
  at::Tensor mask_, latent_, noise_;
};

/// The noise mask as [B,C,h,w] of the latent.
at::Tensor fitted_mask(const at::Tensor& mask, const at::Tensor& latent) {
  auto fitted = mask.to(at::kFloat).reshape({-1, 1, mask.size(-2), mask.size(-1)});
  fitted = at::upsample_bilinear2d(fitted, {latent.size(2), latent.size(3)}, /*align_corners=*/false);
  if (fitted.size(0) != latent.size(0)) {
    const auto times = (latent.size(0) + fitted.size(0) - 1) / fitted.size(0);
    fitted = fitted.repeat({times, 1, 1, 1}).narrow(0, 0, latent.size(0));
  }
  return fitted.expand(latent.sizes()).contiguous();
}

constexpr double kNearlyMax = 1e-5;  // relative: a first sigma this near to the largest counts as it

}  // namespace

at::Tensor fitted_latent(const at::Tensor& latent, const DiffusionModel& model) {
  const auto channels = model.latents->channels;
  if (latent.dim() != 4) throw InvalidInput("sampling: expected a latent [B,C,H,W] with four dimensions");
  if (latent.size(1) == channels) return latent;
  if (latent.count_nonzero().item<std::int64_t>() == 0) return at::zeros({latent.size(0), channels, latent.size(2), latent.size(3)}, latent.options());
  throw InvalidInput("the latent has " + std::to_string(latent.size(1)) + " channels, the model takes " + std::to_string(channels));
}

Sampled sample(const SampleRequest& request, const SampleWatch& watch) {
  const auto& model = request.guider.model();
  const auto& sampling = model.sampling();
  const auto given = fitted_latent(request.latent, model).to(at::kFloat);
  if (request.sigmas.size() < 2) return {given, given};
  const auto device = model.network->compute().device;
  const auto latent = model.latents->enter(given).to(device), noise = request.noise.to(at::kFloat).to(device);
  std::optional<at::Tensor> mask;
  if (request.noise_mask) mask = fitted_mask(*request.noise_mask, latent).to(device);

  Chance chance(request.seed, request.noise.sizes().vec(), request.batch_index);
  Predictor predictor(model, prepare_conditioning(model, request.guider.lists(), {latent, mask, request.seed}), request.sigmas, {watch.check, watch.free_bytes, &chance});
  GuidedDenoiser denoiser(request.guider, predictor);
  const double first = request.sigmas.front(), largest = sampling.sigma_max();
  const bool from_the_start = first > largest || std::abs(first - largest) <= kNearlyMax * std::max(first, largest);
  auto x = sampling.add_noise(first, noise, latent, from_the_start);
  if (mask) denoiser.keep(*mask, latent, request.sampler.name == "ddim" ? fresh_noise(request.seed + 1, noise) : noise);

  at::Tensor denoised;
  SamplerRun run;
  run.seed = request.seed;
  run.check = watch.check;
  run.on_step = [&](std::int64_t step, std::int64_t steps, const at::Tensor& step_denoised, const at::Tensor& before) {
    denoised = step_denoised;
    if (watch.on_step) watch.on_step(step + 1, steps, step_denoised, before);
  };
  x = run_sampler(request.sampler, denoiser, std::move(x), request.sigmas, run);
  const auto samples = model.latents->leave(sampling.remove_scale(request.sigmas.back(), x)).cpu();
  return {samples, denoised.defined() ? model.latents->leave(denoised).cpu() : samples};
}

}  // namespace darkroom
