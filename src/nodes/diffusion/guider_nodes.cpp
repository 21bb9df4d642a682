// Guiders, SamplerCustom and SamplerCustomAdvanced: sampling with its parts as nodes of their own.

#include "diffusion/guider.hpp"
#include "diffusion/noise.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/custom_sampling.hpp"
#include "nodes/diffusion/sampling_run.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {

using GuiderValue = Held<Guider>;

template <>
std::string GuiderValue::describe() const { return "<guider>"; }
template <>
std::size_t GuiderValue::bytes() const { return 0; }

namespace {

constexpr const char* kModule = "comfy_extras.nodes_custom_sampler";

std::shared_ptr<const DiffusionModel> model_of(const Inputs& in) { return in.object<ModelValue>("model")->held; }

template <class T, class... Arguments>
Outputs guider(Arguments&&... arguments) {
  return {held_value(std::shared_ptr<const Guider>(std::make_shared<T>(std::forward<Arguments>(arguments)...)))};
}

class CFGGuiderNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CFGGuider", Form::kV3).module(kModule).category("sampling/custom_sampling/guiders")
        .input("model", Socket{"MODEL"}).input("positive", Socket{"CONDITIONING"}).input("negative", Socket{"CONDITIONING"})
        .input("cfg", cfg_input())
        .output("GUIDER");
  }
  Outputs run(const Inputs& in, Context&) override {
    return guider<CfgGuider>(model_of(in), conditioning(in, "positive"), conditioning(in, "negative"), in.number("cfg"));
  }
};

class BasicGuiderNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("BasicGuider", Form::kV3).module(kModule).category("sampling/custom_sampling/guiders")
        .input("model", Socket{"MODEL"}).input("conditioning", Socket{"CONDITIONING"})
        .output("GUIDER");
  }
  Outputs run(const Inputs& in, Context&) override { return guider<CfgGuider>(model_of(in), conditioning(in, "conditioning"), Conditioning{}, 1.0); }
};

class DualCFGGuiderNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("DualCFGGuider", Form::kV3).module(kModule).category("sampling/custom_sampling/guiders")
        .input("model", Socket{"MODEL"}).input("cond1", Socket{"CONDITIONING"}).input("cond2", Socket{"CONDITIONING"}).input("negative", Socket{"CONDITIONING"})
        .input("cfg_conds", cfg_input()).input("cfg_cond2_negative", cfg_input())
        .input("style", Combo{"regular", "nested"})
        .output("GUIDER");
  }
  Outputs run(const Inputs& in, Context&) override {
    return guider<DualCfgGuider>(model_of(in), conditioning(in, "cond1"), conditioning(in, "cond2"), conditioning(in, "negative"), in.number("cfg_conds"),
                                 in.number("cfg_cond2_negative"), in.text_or("style", "regular") == "nested");
  }
};

class PerpNegGuiderNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("PerpNegGuider", Form::kV3).module("comfy_extras.nodes_perpneg").category("_for_testing").experimental()
        .input("model", Socket{"MODEL"}).input("positive", Socket{"CONDITIONING"}).input("negative", Socket{"CONDITIONING"})
        .input("empty_conditioning", Socket{"CONDITIONING"})
        .input("cfg", cfg_input()).input("neg_scale", hundredths(1.0, 0.0, 100.0))
        .output("GUIDER");
  }
  Outputs run(const Inputs& in, Context&) override {
    return guider<PerpNegGuider>(model_of(in), conditioning(in, "positive"), conditioning(in, "negative"), conditioning(in, "empty_conditioning"),
                                 in.number("cfg"), in.number("neg_scale"));
  }
};

NodeSchema with_latent_outputs(NodeSchema schema) {
  return schema.output("LATENT", "output").output("LATENT", "denoised_output");
}

Outputs sampled(const Guider& guider, const Inputs& in, const at::Tensor& noise, std::uint64_t seed, const LatentObject& latent, Context& context) {
  auto out = run_sampling({guider, *in.object<SamplerValue>("sampler")->held, sigmas_of(in, "sigmas"), latent, noise, seed}, context);
  return {std::move(out.samples), std::move(out.denoised)};
}

class SamplerCustom final : public Node {
 public:
  static NodeSchema schema() {
    return with_latent_outputs(NodeSchema("SamplerCustom", Form::kV3).module(kModule).category("sampling/custom_sampling")
        .input("model", Socket{"MODEL"})
        .input("add_noise", Boolean{.value = true})
        .input("noise_seed", seed_input())
        .input("cfg", cfg_input())
        .input("positive", Socket{"CONDITIONING"}).input("negative", Socket{"CONDITIONING"})
        .input("sampler", Socket{"SAMPLER"}).input("sigmas", Socket{"SIGMAS"}).input("latent_image", Latent{}));
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = model_of(in);
    LatentObject latent = *in.latent("latent_image");
    latent.samples = fitted_latent(latent.samples, *model);
    const auto seed = in.seed("noise_seed");
    const CfgGuider guider(model, conditioning(in, "positive"), conditioning(in, "negative"), in.number("cfg"));
    const auto noise = in.boolean("add_noise") ? prepare_noise(seed, latent.samples.sizes(), latent.batch_index) : no_noise(latent.samples.sizes());
    return sampled(guider, in, noise, seed, latent, context);
  }
};

class SamplerCustomAdvanced final : public Node {
 public:
  static NodeSchema schema() {
    return with_latent_outputs(NodeSchema("SamplerCustomAdvanced", Form::kV3).module(kModule).category("sampling/custom_sampling")
        .input("noise", Socket{"NOISE"}).input("guider", Socket{"GUIDER"}).input("sampler", Socket{"SAMPLER"}).input("sigmas", Socket{"SIGMAS"})
        .input("latent_image", Latent{}));
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto guider = in.object<GuiderValue>("guider")->held;
    const auto source = in.object<NoiseValue>("noise")->held;
    LatentObject latent = *in.latent("latent_image");
    latent.samples = fitted_latent(latent.samples, guider->model());
    return sampled(*guider, in, source->noise(latent.samples.sizes(), latent.batch_index), source->seed(), latent, context);
  }
};

}  // namespace

void register_guider_nodes(Registry& registry) {
  registry.add<CFGGuiderNode>();
  registry.add<BasicGuiderNode>();
  registry.add<DualCFGGuiderNode>();
  registry.add<PerpNegGuiderNode>();
  registry.add<SamplerCustom>();
  registry.add<SamplerCustomAdvanced>();
}

}  // namespace darkroom
