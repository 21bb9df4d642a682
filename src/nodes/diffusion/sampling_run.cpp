#include "nodes/diffusion/sampling_run.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "nodes/diffusion/previewer.hpp"
#include "nodes/model_files.hpp"

namespace darkroom {

SampledLatents run_sampling(const SamplingJob& job, Context& context) {
  SampleWatch watch;
  watch.check = [&] { context.check(); };
  watch.free_bytes = memory_left(context);
  const auto previewer = Previewer::make(*job.guider.model().latents, context);
  watch.on_step = [&](std::int64_t done, std::int64_t total, const at::Tensor& denoised, const at::Tensor&) {
    if (previewer) context.progress(done, total, Previewer::kFormat, (*previewer)(denoised.cpu()));
    else context.progress(done, total);
  };
  const auto sampled = sample({job.guider, job.sampler, job.sigmas, job.latent.samples, job.noise, job.latent.noise_mask, job.seed, job.latent.batch_index}, watch);
  LatentObject samples = job.latent, denoised = job.latent;
  samples.samples = sampled.samples;
  denoised.samples = sampled.denoised;
  return {latent_value(std::move(samples)), latent_value(std::move(denoised))};
}

std::vector<float> sigmas_of(const Inputs& in, std::string_view name) {
  const auto tensor = in.object<TensorObject>(name)->tensor;
  if (tensor.dim() != 1) throw InvalidInput(std::string(name) + ": expected a list of sigmas, got " + describe(tensor));
  const auto flat = tensor.to(at::kFloat).contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

}  // namespace darkroom
