// Nodes that give the sigmas of a run.

#include "diffusion/diffusion_model.hpp"
#include "diffusion/published_schedules.hpp"
#include "diffusion/schedule.hpp"
#include "diffusion/sigmas.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/custom_sampling.hpp"

namespace darkroom {
namespace {

NodeSchema scheduler_node(const char* name, const char* module = "comfy_extras.nodes_custom_sampler") {
  return NodeSchema(name, Form::kV3).module(module).category("sampling/custom_sampling/schedulers").output("SIGMAS");
}

Int steps_input(int value = 20, int min = 1, int max = 10000) { return {.value = value, .min = min, .max = max}; }
Float denoise_input() { return {.value = 1.0, .min = 0.0, .max = 1.0, .step = 0.01}; }
Float fine(double value, double min, double max, double step = 0.01) { return {.value = value, .min = min, .max = max, .step = step, .round = false}; }
NodeSchema with_sigma_range(NodeSchema schema) {
  return schema.input("steps", steps_input()).input("sigma_max", fine(14.614642, 0.0, 5000.0)).input("sigma_min", fine(0.0291675, 0.0, 5000.0));
}

const ModelSampling& sampling_of(const Inputs& in) { return in.object<ModelValue>("model")->held->sampling(); }

class BasicScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return scheduler_node("BasicScheduler").input("model", Socket{"MODEL"}).input("scheduler", Combo(scheduler_names(), nullptr))
        .input("steps", steps_input()).input("denoise", denoise_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(basic_schedule(sampling_of(in), in.choice("scheduler"), in.integer("steps"), in.number("denoise")))};
  }
};

class BetaSamplingScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return scheduler_node("BetaSamplingScheduler").input("model", Socket{"MODEL"}).input("steps", steps_input())
        .input("alpha", fine(0.6, 0.0, 50.0)).input("beta", fine(0.6, 0.0, 50.0));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(beta_schedule(sampling_of(in), in.integer("steps"), in.number("alpha"), in.number("beta")))};
  }
};

class SDTurboScheduler final : public Node {
 public:
  static NodeSchema schema() {
    auto denoise = make_input(Form::kV3, "denoise", denoise_input());
    denoise.options["min"] = 0;  // an integer in ComfyUI's schema
    return scheduler_node("SDTurboScheduler").input("model", Socket{"MODEL"}).input("steps", steps_input(1, 1, 10)).input("denoise", std::move(denoise));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(turbo_sigmas(sampling_of(in), in.integer("steps"), in.number("denoise")))};
  }
};

class KarrasScheduler final : public Node {
 public:
  static NodeSchema schema() { return with_sigma_range(scheduler_node("KarrasScheduler")).input("rho", fine(7.0, 0.0, 100.0)); }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(karras_schedule(in.integer("steps"), in.number("sigma_min"), in.number("sigma_max"), in.number("rho")))};
  }
};

class ExponentialScheduler final : public Node {
 public:
  static NodeSchema schema() { return with_sigma_range(scheduler_node("ExponentialScheduler")); }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(exponential_schedule(in.integer("steps"), in.number("sigma_min"), in.number("sigma_max")))};
  }
};

class PolyexponentialScheduler final : public Node {
 public:
  static NodeSchema schema() { return with_sigma_range(scheduler_node("PolyexponentialScheduler")).input("rho", fine(1.0, 0.0, 100.0)); }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(polyexponential_schedule(in.integer("steps"), in.number("sigma_min"), in.number("sigma_max"), in.number("rho")))};
  }
};

class LaplaceScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return with_sigma_range(scheduler_node("LaplaceScheduler")).input("mu", fine(0.0, -10.0, 10.0, 0.1)).input("beta", fine(0.5, 0.0, 10.0, 0.1));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(laplace_schedule(in.integer("steps"), in.number("sigma_min"), in.number("sigma_max"), in.number("mu"), in.number("beta")))};
  }
};

class VPScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return scheduler_node("VPScheduler").input("steps", steps_input()).input("beta_d", fine(19.9, 0.0, 5000.0)).input("beta_min", fine(0.1, 0.0, 5000.0))
        .input("eps_s", fine(0.001, 0.0, 1.0, 0.0001));
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(vp_schedule(in.integer("steps"), in.number("beta_d"), in.number("beta_min"), in.number("eps_s")))};
  }
};

class AlignYourStepsScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return scheduler_node("AlignYourStepsScheduler", "comfy_extras.nodes_align_your_steps").input("model_type", Combo{"SD1", "SDXL", "SVD"})
        .input("steps", steps_input(10)).input("denoise", denoise_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(align_your_steps_schedule(in.choice("model_type"), in.integer("steps"), in.number("denoise")))};
  }
};

class GITSScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return scheduler_node("GITSScheduler", "comfy_extras.nodes_gits").input("coeff", Float{.value = 1.2, .min = 0.8, .max = 1.5, .step = 0.05})
        .input("steps", steps_input(10, 2, 1000)).input("denoise", denoise_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(gits_schedule(in.number("coeff"), in.integer("steps"), in.number("denoise")))};
  }
};

class OptimalStepsScheduler final : public Node {
 public:
  static NodeSchema schema() {
    return scheduler_node("OptimalStepsScheduler", "comfy_extras.nodes_optimalsteps").input("model_type", Combo{"FLUX", "Wan", "Chroma"})
        .input("steps", steps_input(20, 3, 1000)).input("denoise", denoise_input());
  }
  Outputs run(const Inputs& in, Context&) override {
    return {sigmas_value(optimal_steps_schedule(in.choice("model_type"), in.integer("steps"), in.number("denoise")))};
  }
};

}  // namespace

void register_scheduler_nodes(Registry& registry) {
  registry.add<BasicScheduler>();
  registry.add<BetaSamplingScheduler>();
  registry.add<SDTurboScheduler>();
  registry.add<KarrasScheduler>();
  registry.add<ExponentialScheduler>();
  registry.add<PolyexponentialScheduler>();
  registry.add<LaplaceScheduler>();
  registry.add<VPScheduler>();
  registry.add<AlignYourStepsScheduler>();
  registry.add<GITSScheduler>();
  registry.add<OptimalStepsScheduler>();
}

}  // namespace darkroom
