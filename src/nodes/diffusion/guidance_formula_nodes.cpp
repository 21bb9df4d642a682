// Patches that guide by another formula: APG, TCFG, FreSca before the positive and the negative are joined, the others after it.

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros_like.h>

#include <memory>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/frequencies.hpp"
#include "diffusion/guidance_formulas.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

NodeSchema model_patch(const char* name, const char* module, const char* category) {
  return NodeSchema(name, Form::kV3).module(module).category(category).input("model", Socket{"MODEL"});
}

const DiffusionModel& model_of(const Inputs& in) { return *in.object<ModelValue>("model")->held; }

/// The running mean of differences that APG may keep from step to step.
struct Momentum {
  at::Tensor mean;
  double sigma = 0;

  /// `difference` with the mean of the steps before; a step that goes up in sigma, or is a run's first, has none before it.
  at::Tensor add(const at::Tensor& difference, double factor, const GuidanceStep& step) {
    const bool anew = !mean.defined() || step.sigma > sigma || step.sigma >= step.sigmas.front();
    sigma = step.sigma;
    return mean = anew ? difference : difference + mean * factor;
  }
};

/// Adaptive projected guidance. The positive goes on as what makes the usual formula give `cond + cfg * projected difference`.
class APG final : public Node {
 public:
  static NodeSchema schema() {
    return model_patch("APG", "comfy_extras.nodes_apg", "sampling/custom_sampling").display_name("Adaptive Projected Guidance")
        .input("eta", Float{.value = 1.0, .min = -10.0, .max = 10.0, .step = 0.01, .common = {.tooltip = "How much of the guidance along the positive is kept; 1 keeps all."}})
        .input("norm_threshold", Float{.value = 5.0, .min = 0.0, .max = 50.0, .step = 0.1, .common = {.tooltip = "The guidance is cut to this length; 0 cuts nothing."}})
        .input("momentum", Float{.value = 0.0, .min = -5.0, .max = 1.0, .step = 0.01, .common = {.tooltip = "How much of the earlier steps' guidance is added."}})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [eta = in.number("eta"), threshold = in.number("norm_threshold"), factor = in.number("momentum")](GuidanceHooks& hooks) {
      hooks.before.push_back([eta, threshold, factor, momentum = std::make_shared<Momentum>()](GuidanceStep& step) {
        if (!step.uncond().defined()) step.denoised[1] = at::zeros_like(step.cond());  // at scale 1, as ComfyUI counts it
        auto difference = step.cond() - step.uncond();
        if (factor != 0) difference = momentum->add(difference, factor, step);
        const auto change = projected(difference, step.cond(), eta, threshold);
        step.denoised[0] = step.uncond() + change + (step.cond() - step.uncond()) / step.cfg;
      });
    });
  }
};

class TCFG final : public Node {
 public:
  static NodeSchema schema() {
    return model_patch("TCFG", "comfy_extras.nodes_tcfg", "advanced/guidance").display_name("Tangential Damping CFG")
        .description("Takes from the negative what has nothing to do with the positive.").output("MODEL", "patched_model");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [](GuidanceHooks& hooks) {
      hooks.before.push_back([](GuidanceStep& step) {
        if (step.uncond().defined()) step.denoised[1] = tangentially_damped(step.x, step.cond(), step.uncond());
      });
    });
  }
};

/// Guidance whose low and high frequencies have a scale each.
class FreSca final : public Node {
 public:
  static NodeSchema schema() {
    const auto scale = [](double value, const char* tooltip) {
      auto spec = make_input(Form::kV3, {}, Float{.value = value, .min = 0, .max = 10, .step = 0.01, .common = {.tooltip = tooltip}});
      spec.options["min"] = 0;  // the reference writes these limits as integers, and clients see it
      spec.options["max"] = 10;
      return spec;
    };
    return model_patch("FreSca", "comfy_extras.nodes_fresca", "_for_testing").display_name("FreSca").experimental()
        .description("Scales the guidance of coarse and of fine parts of the picture apart.")
        .input("scale_low", scale(1.0, "Of the coarse parts.")).input("scale_high", scale(1.25, "Of the fine parts."))
        .input("freq_cutoff", Int{.value = 20, .min = 1, .max = 10000, .step = 1, .common = {.tooltip = "How many frequencies count as low."}})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [low = in.number("scale_low"), high = in.number("scale_high"), cutoff = in.integer("freq_cutoff")](GuidanceHooks& hooks) {
      hooks.before.push_back([low, high, cutoff](GuidanceStep& step) {
        if (step.uncond().defined()) step.denoised[0] = step.uncond() + scale_frequencies(step.cond() - step.uncond(), cutoff, low, high);
      });
    });
  }
};

class CFGNorm final : public Node {
 public:
  static NodeSchema schema() {
    return model_patch("CFGNorm", "comfy_extras.nodes_cfg", "advanced/guidance").experimental().input("strength", hundredths(1.0, 0.0, 100.0))
        .output("MODEL", "patched_model");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [strength = in.number("strength")](GuidanceHooks& hooks) {
      hooks.after.push_back([strength](const GuidanceStep& step, const at::Tensor& guided) { return no_longer_than(guided, step.cond(), strength); });
    });
  }
};

class CFGZeroStar final : public Node {
 public:
  static NodeSchema schema() { return model_patch("CFGZeroStar", "comfy_extras.nodes_cfg", "advanced/guidance").output("MODEL", "patched_model"); }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [](GuidanceHooks& hooks) {
      hooks.after.push_back([](const GuidanceStep& step, const at::Tensor& guided) {
        return step.uncond().defined() ? zero_star(step.x, guided, step.cond(), step.uncond(), step.cfg) : guided;
      });
    });
  }
};

class Mahiro final : public Node {
 public:
  static NodeSchema schema() {
    return model_patch("Mahiro", "comfy_extras.nodes_mahiro", "_for_testing").display_name("Mahiro CFG").experimental()
        .description("Guides towards the positive more than away from the negative.").output("MODEL", "patched_model");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [](GuidanceHooks& hooks) {
      hooks.after.push_back([](const GuidanceStep& step, const at::Tensor& guided) {
        return mahiro(guided, step.cond(), step.uncond().defined() ? step.uncond() : at::zeros_like(step.cond()), step.cfg);
      });
    });
  }
};

class TemporalScoreRescaling final : public Node {
 public:
  static NodeSchema schema() {
    const auto factor = [](double value, const char* tooltip) {
      return Float{.value = value, .min = 0.01, .max = 100.0, .step = 0.001, .display = "number", .common = {.tooltip = tooltip}};
    };
    return model_patch("TemporalScoreRescaling", "comfy_extras.nodes_eps", "model_patches/unet").display_name("TSR - Temporal Score Rescaling")
        .description("Draws as if the data were denser (k above 1) or wider (below) around its peaks.")
        .input("tsr_k", factor(0.95, "Below 1 for more detail, above 1 for smoother pictures.")).input("tsr_sigma", factor(1.0, "How early it sets in; larger is earlier."))
        .output("MODEL", "patched_model");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(model_of(in), [k = in.number("tsr_k"), spread = in.number("tsr_sigma")](GuidanceHooks& hooks) {
      hooks.after.push_back([k, spread](const GuidanceStep& step, const at::Tensor& guided) {
        return rescaled_score(step.x, guided, step.sigma, k, spread, step.sampling.prediction() == Prediction::kFlow);
      });
    });
  }
};

}  // namespace

void register_guidance_formula_nodes(Registry& registry) {
  registry.add<APG>();
  registry.add<TCFG>();
  registry.add<FreSca>();
  registry.add<CFGNorm>();
  registry.add<CFGZeroStar>();
  registry.add<Mahiro>();
  registry.add<TemporalScoreRescaling>();
}

}  // namespace darkroom
