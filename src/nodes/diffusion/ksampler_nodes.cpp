// KSampler and KSamplerAdvanced: a model, two texts and a latent become a picture's latent.

#include <algorithm>

#include "diffusion/noise.hpp"
#include "diffusion/sampler.hpp"
#include "diffusion/schedule.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/sampling_run.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

Combo choice(std::vector<std::string> choices, Common common) {
  Combo combo(std::move(choices), nullptr);
  combo.common = std::move(common);
  return combo;
}

struct KSamplerRun {
  std::uint64_t seed;
  std::int64_t steps;
  double cfg;
  std::string sampler, scheduler;
  double denoise = 1;
  bool add_noise = true;
  std::int64_t first_step = 0, last_step = 10000;
  bool to_the_end = false;  ///< the last kept sigma becomes 0 though the run is cut short
};

/// The part of a schedule that KSamplerAdvanced runs; none when the first step lies at its end.
std::vector<float> cut(std::vector<float> sigmas, const KSamplerRun& run) {
  const auto last = static_cast<std::int64_t>(sigmas.size()) - 1;
  if (run.last_step < last) {
    sigmas.resize(run.last_step + 1);
    if (run.to_the_end) sigmas.back() = 0;
  }
  if (run.first_step >= static_cast<std::int64_t>(sigmas.size()) - 1) return {};
  sigmas.erase(sigmas.begin(), sigmas.begin() + run.first_step);
  return sigmas;
}

Outputs run_ksampler(const Inputs& in, const KSamplerRun& run, Context& context) {
  const auto model = in.object<ModelValue>("model")->held;
  const auto latent = in.latent("latent_image");
  const auto fitted = fitted_latent(latent->samples, *model);
  const CfgGuider guider(model, conditioning(in, "positive"), conditioning(in, "negative"), run.cfg);
  auto sigmas = cut(ksampler_schedule(model->sampling(), run.sampler, run.scheduler, run.steps, run.denoise), run);
  const auto noise = run.add_noise ? prepare_noise(run.seed, fitted.sizes(), latent->batch_index) : no_noise(fitted.sizes());
  LatentObject start = *latent;
  start.samples = fitted;
  return {run_sampling({guider, {run.sampler, {}}, std::move(sigmas), start, noise, run.seed}, context).samples};
}

class KSampler final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("KSampler", Form::kV1).category("sampling").display_name("KSampler")
        .description("Makes a picture's latent out of noise, as the texts say.")
        .input("model", Socket{"MODEL", {.tooltip = "The model that removes noise."}})
        .input("seed", seed_input({.tooltip = "The same seed makes the same noise."}))
        .input("steps", Int{.value = 20, .min = 1, .max = 10000, .common = {.tooltip = "How often the model is asked."}})
        .input("cfg", cfg_input({.tooltip = "How strongly the positive text is followed; too much burns the picture."}))
        .input("sampler_name", choice(sampler_names(), {.tooltip = "The method that follows the schedule."}))
        .input("scheduler", choice(scheduler_names(), {.tooltip = "How the noise falls from step to step."}))
        .input("positive", Socket{"CONDITIONING", {.tooltip = "What the picture should show."}})
        .input("negative", Socket{"CONDITIONING", {.tooltip = "What it should not show."}})
        .input("latent_image", Latent{{.tooltip = "What is noised and made anew."}})
        .input("denoise", Float{.value = 1.0, .min = 0.0, .max = 1.0, .step = 0.01, .common = {.tooltip = "How much of the latent is made anew; less keeps its structure."}})
        .output("LATENT", "", false, "The latent without noise.");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return run_ksampler(in, {.seed = in.seed("seed"), .steps = in.integer("steps"), .cfg = in.number("cfg"), .sampler = in.choice("sampler_name"),
                             .scheduler = in.choice("scheduler"), .denoise = in.number("denoise")}, context);
  }
};

class KSamplerAdvanced final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("KSamplerAdvanced", Form::kV1).category("sampling").display_name("KSampler (Advanced)")
        .input("model", bare("MODEL"))
        .input("add_noise", bare(Combo{"enable", "disable"}))
        .input("noise_seed", seed_input())
        .input("steps", Int{.value = 20, .min = 1, .max = 10000})
        .input("cfg", cfg_input())
        .input("sampler_name", bare_choice(sampler_names()))
        .input("scheduler", bare_choice(scheduler_names()))
        .input("positive", bare("CONDITIONING")).input("negative", bare("CONDITIONING"))
        .input("latent_image", bare("LATENT"))
        .input("start_at_step", Int{.value = 0, .min = 0, .max = 10000})
        .input("end_at_step", Int{.value = 10000, .min = 0, .max = 10000})
        .input("return_with_leftover_noise", bare(Combo{"disable", "enable"}))
        .output("LATENT");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return run_ksampler(in, {.seed = in.seed("noise_seed"), .steps = in.integer("steps"), .cfg = in.number("cfg"), .sampler = in.choice("sampler_name"),
                             .scheduler = in.choice("scheduler"), .add_noise = in.choice("add_noise") != "disable",
                             .first_step = in.integer("start_at_step"), .last_step = in.integer("end_at_step"),
                             .to_the_end = in.choice("return_with_leftover_noise") != "enable"}, context);
  }
};

}  // namespace

void register_ksampler_nodes(Registry& registry) {
  registry.add<KSampler>();
  registry.add<KSamplerAdvanced>();
}

}  // namespace darkroom
