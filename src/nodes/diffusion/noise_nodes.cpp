// Nodes that give the noise of a run, or put it on a latent.

#include <ATen/ops/nan_to_num.h>

#include <cmath>

#include "diffusion/diffusion_model.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/custom_sampling.hpp"
#include "nodes/diffusion/sampling_run.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_custom_sampler";

NodeSchema noise_node(const char* name) { return NodeSchema(name, Form::kV3).module(kModule).category("sampling/custom_sampling/noise"); }

class RandomNoise final : public Node {
 public:
  static NodeSchema schema() { return noise_node("RandomNoise").input("noise_seed", seed_input()).output("NOISE"); }
  Outputs run(const Inputs& in, Context&) override { return {held_value(random_noise(in.seed("noise_seed")))}; }
};

class DisableNoise final : public Node {
 public:
  static NodeSchema schema() { return noise_node("DisableNoise").output("NOISE"); }
  Outputs run(const Inputs&, Context&) override { return {held_value(disabled_noise())}; }
};

/// Noise of the first sigma (less that of the last, when there are more) over a latent.
class AddNoise final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("AddNoise", Form::kV3).module(kModule).category("_for_testing/custom_sampling/noise").experimental()
        .input("model", Socket{"MODEL"}).input("noise", Socket{"NOISE"}).input("sigmas", Socket{"SIGMAS"}).input("latent_image", Latent{})
        .output("LATENT");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto sigmas = sigmas_of(in, "sigmas");
    const auto latent = in.latent("latent_image");
    if (sigmas.empty()) return {latent_value(*latent)};
    const auto model = in.object<ModelValue>("model")->held;
    const auto source = in.object<NoiseValue>("noise")->held;
    LatentObject result = *latent;
    result.samples = fitted_latent(latent->samples, *model);
    const auto noise = source->noise(result.samples.sizes(), latent->batch_index);
    const double sigma = sigmas.size() > 1 ? std::abs(sigmas.front() - sigmas.back()) : sigmas.front();
    const auto noised = model->latents->leave(model->sampling().add_noise(sigma, noise, model->latents->enter(result.samples.to(at::kFloat)), false));
    result.samples = at::nan_to_num(noised, 0.0, 0.0, 0.0);
    return {latent_value(std::move(result))};
  }
};

}  // namespace

void register_noise_nodes(Registry& registry) {
  registry.add<RandomNoise>();
  registry.add<DisableNoise>();
  registry.add<AddNoise>();
}

}  // namespace darkroom
