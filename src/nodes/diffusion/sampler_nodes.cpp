// Nodes that choose a sampling method with its options.

#include "diffusion/diffusion_model.hpp"
#include "diffusion/sampler.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/custom_sampling.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/resize.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_custom_sampler";
constexpr const char* kAdvancedModule = "comfy_extras.nodes_advanced_samplers";

NodeSchema sampler_node(const char* name, const char* module = kModule) {
  return NodeSchema(name, Form::kV3).module(module).category("sampling/custom_sampling/samplers").output("SAMPLER");
}

/// A number in hundredths that is kept as it is given.
Float fine(double value, double min = 0.0, double max = 100.0) { return {.value = value, .min = min, .max = max, .step = 0.01, .round = false}; }
const Combo kNoiseDevice{"gpu", "cpu"};  // noise is drawn on the CPU either way, so that a seed gives the same picture on every machine

/// The method with these inputs as its options.
Outputs with_numbers(const char* method, const Inputs& in, std::initializer_list<const char*> names) {
  Sampler sampler{method, {}};
  for (const char* name : names) sampler.options.numbers.emplace_back(name, in.number(name));
  return {sampler_value(std::move(sampler))};
}

class KSamplerSelect final : public Node {
 public:
  static NodeSchema schema() { return sampler_node("KSamplerSelect").input("sampler_name", Combo(sampler_names(), nullptr)); }
  Outputs run(const Inputs& in, Context&) override { return {sampler_value({in.choice("sampler_name"), {}})}; }
};

class SamplerDPMAdaptative final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerDPMAdaptative").input("order", Int{.value = 3, .min = 2, .max = 3})
        .input("rtol", fine(0.05)).input("atol", fine(0.0078)).input("h_init", fine(0.05))
        .input("pcoeff", fine(0.0)).input("icoeff", fine(1.0)).input("dcoeff", fine(0.0)).input("accept_safety", fine(0.81))
        .input("eta", fine(0.0)).input("s_noise", fine(1.0));
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_numbers("dpm_adaptive", in, {"order", "rtol", "atol", "h_init", "pcoeff", "icoeff", "dcoeff", "accept_safety", "eta", "s_noise"});
  }
};

class SamplerDPMPP_2M_SDE final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerDPMPP_2M_SDE").input("solver_type", Combo{"midpoint", "heun"})
        .input("eta", fine(1.0)).input("s_noise", fine(1.0)).input("noise_device", kNoiseDevice);
  }
  Outputs run(const Inputs& in, Context&) override {
    Sampler sampler{"dpmpp_2m_sde", {{{"eta", in.number("eta")}, {"s_noise", in.number("s_noise")}}, {{"solver_type", in.choice("solver_type")}}}};
    return {sampler_value(std::move(sampler))};
  }
};

class SamplerDPMPP_2S_Ancestral final : public Node {
 public:
  static NodeSchema schema() { return sampler_node("SamplerDPMPP_2S_Ancestral").input("eta", fine(1.0)).input("s_noise", fine(1.0)); }
  Outputs run(const Inputs& in, Context&) override { return with_numbers("dpmpp_2s_ancestral", in, {"eta", "s_noise"}); }
};

class SamplerDPMPP_3M_SDE final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerDPMPP_3M_SDE").input("eta", fine(1.0)).input("s_noise", fine(1.0)).input("noise_device", kNoiseDevice);
  }
  Outputs run(const Inputs& in, Context&) override { return with_numbers("dpmpp_3m_sde", in, {"eta", "s_noise"}); }
};

class SamplerDPMPP_SDE final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerDPMPP_SDE").input("eta", fine(1.0)).input("s_noise", fine(1.0)).input("r", fine(0.5)).input("noise_device", kNoiseDevice);
  }
  Outputs run(const Inputs& in, Context&) override { return with_numbers("dpmpp_sde", in, {"eta", "s_noise", "r"}); }
};

class SamplerER_SDE final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerER_SDE").input("solver_type", Combo{"ER-SDE", "Reverse-time SDE", "ODE"})
        .input("max_stage", Int{.value = 3, .min = 1, .max = 3}).input("eta", fine(1.0)).input("s_noise", fine(1.0));
  }
  Outputs run(const Inputs& in, Context&) override {
    Sampler sampler{"er_sde",
                    {{{"max_stage", in.number("max_stage")}, {"eta", in.number("eta")}, {"s_noise", in.number("s_noise")}},
                     {{"solver_type", in.choice("solver_type")}}}};
    return {sampler_value(std::move(sampler))};
  }
};

class SamplerEulerAncestral final : public Node {
 public:
  static NodeSchema schema() { return sampler_node("SamplerEulerAncestral").input("eta", fine(1.0)).input("s_noise", fine(1.0)); }
  Outputs run(const Inputs& in, Context&) override { return with_numbers("euler_ancestral", in, {"eta", "s_noise"}); }
};

class SamplerEulerAncestralCFGPP final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerEulerAncestralCFGPP").display_name("SamplerEulerAncestralCFG++")
        .input("eta", fine(1.0, 0.0, 1.0)).input("s_noise", fine(1.0, 0.0, 10.0));
  }
  Outputs run(const Inputs& in, Context&) override { return with_numbers("euler_ancestral_cfg_pp", in, {"eta", "s_noise"}); }
};

class SamplerEulerCFGpp final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerEulerCFGpp", kAdvancedModule).category("_for_testing").display_name("SamplerEulerCFG++").experimental()
        .input("version", Combo{"regular", "alternative"});
  }
  Outputs run(const Inputs& in, Context&) override { return {sampler_value({"euler_cfg_pp", {{}, {{"version", in.choice("version")}}}})}; }
};

class SamplerLMS final : public Node {
 public:
  static NodeSchema schema() { return sampler_node("SamplerLMS").input("order", Int{.value = 4, .min = 1, .max = 100}); }
  Outputs run(const Inputs& in, Context&) override { return with_numbers("lms", in, {"order"}); }
};

class SamplerSASolver final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerSASolver").input("model", Socket{"MODEL"}).input("eta", fine(1.0, 0.0, 10.0))
        .input("sde_start_percent", thousandths(0.2)).input("sde_end_percent", thousandths(0.8)).input("s_noise", fine(1.0))
        .input("predictor_order", Int{.value = 3, .min = 1, .max = 6}).input("corrector_order", Int{.value = 4, .min = 0, .max = 6})
        .input("use_pece", Boolean{}).input("simple_order_2", Boolean{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto model = in.object<ModelValue>("model")->held;
    const auto flag = [&](const char* name) { return in.boolean(name) ? 1.0 : 0.0; };
    Sampler sampler{"sa_solver",
                    {{{"eta", in.number("eta")},
                      {"s_noise", in.number("s_noise")},
                      {"tau_from", model->sampling().percent_to_sigma(in.number("sde_start_percent"))},
                      {"tau_to", model->sampling().percent_to_sigma(in.number("sde_end_percent"))},
                      {"predictor_order", in.number("predictor_order")},
                      {"corrector_order", in.number("corrector_order")},
                      {"use_pece", flag("use_pece")},
                      {"simple_order_2", flag("simple_order_2")}},
                     {}}};
    return {sampler_value(std::move(sampler))};
  }
};

class SamplerSEEDS2 final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerSEEDS2").input("solver_type", Combo{"phi_1", "phi_2"})
        .input("eta", fine(1.0)).input("s_noise", fine(1.0)).input("r", fine(0.5, 0.01, 1.0));
  }
  Outputs run(const Inputs& in, Context&) override {
    Sampler sampler{"seeds_2",
                    {{{"eta", in.number("eta")}, {"s_noise", in.number("s_noise")}, {"r", in.number("r")}}, {{"solver_type", in.choice("solver_type")}}}};
    return {sampler_value(std::move(sampler))};
  }
};

/// LCM with a latent that grows during the first steps.
class SamplerLCMUpscale final : public Node {
 public:
  static NodeSchema schema() {
    return sampler_node("SamplerLCMUpscale", kAdvancedModule).input("scale_ratio", Float{.value = 1.0, .min = 0.1, .max = 20.0, .step = 0.01})
        .input("scale_steps", Int{.value = -1, .min = -1, .max = 1000, .step = 1})
        .input("upscale_method", Combo{"bislerp", "nearest-exact", "bilinear", "area", "bicubic"});
  }
  Outputs run(const Inputs& in, Context&) override {
    Sampler sampler{"lcm_upscale", {{{"scale_ratio", in.number("scale_ratio")}, {"scale_steps", in.number("scale_steps")}}, {}}, {}};
    sampler.resize = [method = in.choice("upscale_method")](const at::Tensor& x, std::int64_t width, std::int64_t height) {
      return common_upscale(x, width, height, method, "disabled");
    };
    return {sampler_value(std::move(sampler))};
  }
};

}  // namespace

void register_sampler_nodes(Registry& registry) {
  registry.add<KSamplerSelect>();
  registry.add<SamplerDPMAdaptative>();
  registry.add<SamplerDPMPP_2M_SDE>();
  registry.add<SamplerDPMPP_2S_Ancestral>();
  registry.add<SamplerDPMPP_3M_SDE>();
  registry.add<SamplerDPMPP_SDE>();
  registry.add<SamplerER_SDE>();
  registry.add<SamplerEulerAncestral>();
  registry.add<SamplerEulerAncestralCFGPP>();
  registry.add<SamplerEulerCFGpp>();
  registry.add<SamplerLMS>();
  registry.add<SamplerSASolver>();
  registry.add<SamplerSEEDS2>();
  registry.add<SamplerLCMUpscale>();
}

}  // namespace darkroom
