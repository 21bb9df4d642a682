// Nodes that cut, turn and refine lists of sigmas.

#include "diffusion/diffusion_model.hpp"
#include "diffusion/sigmas.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/custom_sampling.hpp"
#include "nodes/diffusion/sampling_run.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_custom_sampler";

NodeSchema sigmas_node(const char* name) { return NodeSchema(name, Form::kV3).module(kModule).category("sampling/custom_sampling/sigmas"); }
NodeSchema on_sigmas(const char* name) { return sigmas_node(name).input("sigmas", Socket{"SIGMAS"}); }

Outputs both(const std::pair<Sigmas, Sigmas>& parts) { return {sigmas_value(parts.first), sigmas_value(parts.second)}; }

class FlipSigmas final : public Node {
 public:
  static NodeSchema schema() { return on_sigmas("FlipSigmas").output("SIGMAS"); }
  Outputs run(const Inputs& in, Context&) override { return {sigmas_value(flipped(sigmas_of(in, "sigmas")))}; }
};

class SplitSigmas final : public Node {
 public:
  static NodeSchema schema() {
    return on_sigmas("SplitSigmas").input("step", Int{.value = 0, .min = 0, .max = 10000}).output("SIGMAS", "high_sigmas").output("SIGMAS", "low_sigmas");
  }
  Outputs run(const Inputs& in, Context&) override { return both(split_at(sigmas_of(in, "sigmas"), in.integer("step"))); }
};

class SplitSigmasDenoise final : public Node {
 public:
  static NodeSchema schema() {
    return on_sigmas("SplitSigmasDenoise").input("denoise", Float{.value = 1.0, .min = 0.0, .max = 1.0, .step = 0.01})
        .output("SIGMAS", "high_sigmas").output("SIGMAS", "low_sigmas");
  }
  Outputs run(const Inputs& in, Context&) override { return both(split_denoise(sigmas_of(in, "sigmas"), in.number("denoise"))); }
};

class SetFirstSigma final : public Node {
 public:
  static NodeSchema schema() {
    return on_sigmas("SetFirstSigma").input("sigma", Float{.value = 136.0, .min = 0.0, .max = 20000.0, .step = 0.001, .round = false}).output("SIGMAS");
  }
  Outputs run(const Inputs& in, Context&) override { return {sigmas_value(with_first(sigmas_of(in, "sigmas"), in.number("sigma")))}; }
};

class ExtendIntermediateSigmas final : public Node {
 public:
  static NodeSchema schema() {
    return on_sigmas("ExtendIntermediateSigmas").input("steps", Int{.value = 2, .min = 1, .max = 100})
        .input("start_at_sigma", Float{.value = -1.0, .min = -1.0, .max = 20000.0, .step = 0.01, .round = false})
        .input("end_at_sigma", Float{.value = 12.0, .min = 0.0, .max = 20000.0, .step = 0.01, .round = false})
        .input("spacing", Combo{"linear", "cosine", "sine"})
        .output("SIGMAS");
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(extended(sigmas_of(in, "sigmas"), in.integer("steps"), in.number("start_at_sigma"), in.number("end_at_sigma"), in.choice("spacing")))};
  }
};

class ManualSigmas final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ManualSigmas", Form::kV3).module(kModule).category("_for_testing/custom_sampling").experimental()
        .input("sigmas", String{.value = "1, 0.5", .multiline = false}).output("SIGMAS");
  }
  Outputs run(const Inputs& in, Context&) override { return {sigmas_value(parsed_sigmas(in.text("sigmas")))}; }
};

/// Percent 0 and 1 are beyond all sigmas, unless the model's own ends are asked for.
class SamplingPercentToSigma final : public Node {
 public:
  static NodeSchema schema() {
    return sigmas_node("SamplingPercentToSigma").input("model", Socket{"MODEL"})
        .input("sampling_percent", Float{.value = 0.0, .min = 0.0, .max = 1.0, .step = 0.0001})
        .input("return_actual_sigma", Boolean{.value = false})
        .output("FLOAT", "sigma_value");
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto model = in.object<ModelValue>("model")->held;
    const auto& sampling = model->sampling();
    const double percent = in.number("sampling_percent");
    if (in.boolean("return_actual_sigma") && (percent == 0 || percent == 1)) return {Value(percent == 0 ? sampling.sigma_max() : sampling.sigma_min())};
    return {Value(sampling.percent_to_sigma(percent))};
  }
};

}  // namespace

void register_sigma_nodes(Registry& registry) {
  registry.add<FlipSigmas>();
  registry.add<SplitSigmas>();
  registry.add<SplitSigmasDenoise>();
  registry.add<SetFirstSigma>();
  registry.add<ExtendIntermediateSigmas>();
  registry.add<ManualSigmas>();
  registry.add<SamplingPercentToSigma>();
}

}  // namespace darkroom
