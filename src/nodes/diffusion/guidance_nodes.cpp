// Patches of guidance: how the predictions of a step are joined, and which mask it sees.

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

#include <cmath>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/guider.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/latent_operations.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

at::Tensor spread(const at::Tensor& t) { return t.std(at::IntArrayRef{1, 2, 3}, /*unbiased=*/true, /*keepdim=*/true); }

/// Guidance in v-space with the result's spread pulled to that of the positive (Lin et al. 2023, 3.4).
class RescaleCFG final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RescaleCFG", Form::kV1).module("comfy_extras.nodes_model_advanced").category("advanced/model").display_name("RescaleCFG")
        .input("model", bare("MODEL")).input("multiplier", hundredths(0.7, 0.0, 1.0)).output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(*in.object<ModelValue>("model")->held, [multiplier = in.number("multiplier")](GuidanceHooks& hooks) {
      hooks.formula = [multiplier](const GuidanceStep& step) {
        const double variance = step.sigma * step.sigma + 1.0, root = std::sqrt(variance);
        const auto scaled = step.x / variance;
        const auto velocity = [&](const at::Tensor& denoised) { return (scaled - denoised) * (root / step.sigma); };
        const auto positive = velocity(step.cond()), negative = velocity(step.uncond());
        const auto guided = negative + (positive - negative) * step.cfg;
        const auto rescaled = guided * (spread(positive) / spread(guided));
        return scaled - (rescaled * multiplier + guided * (1.0 - multiplier)) * (step.sigma / root);
      };
    });
  }
};

/// A soft mask as a schedule: a place is made anew while its mask is at least the part of the way that is left (Levin & Fried 2023).
class DifferentialDiffusion final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("DifferentialDiffusion", Form::kV3).module("comfy_extras.nodes_differential_diffusion").category("_for_testing")
        .display_name("Differential Diffusion").experimental()
        .input("model", Socket{"MODEL"}).optional("strength", hundredths(1.0, 0.0, 1.0)).output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(*in.object<ModelValue>("model")->held, [strength = in.number_or("strength", 1.0)](GuidanceHooks& hooks) {
      hooks.mask = [strength](const at::Tensor& mask, double sigma, const std::vector<float>& sigmas, const ModelSampling& sampling) {
        const double end = std::max<double>(sampling.sigma_min(), sigmas.back());
        const double first = sampling.timestep(sigmas.front()), last = sampling.timestep(end), now = sampling.timestep(sigma);
        const auto open = (mask >= (now - last) / (first - last)).to(mask.scalar_type());
        return strength < 1.0 ? open * strength + mask * (1.0 - strength) : open;
      };
    });
  }
};

/// Runs a latent operation on what the positive adds to the negative.
class LatentApplyOperationCFG final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentApplyOperationCFG", Form::kV3).module("comfy_extras.nodes_latent").category("latent/advanced/operations").experimental()
        .input("model", Socket{"MODEL"}).input("operation", Socket{"LATENT_OPERATION"}).output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(*in.object<ModelValue>("model")->held, [operation = in.object<LatentOperation>("operation")](GuidanceHooks& hooks) {
      hooks.before.push_back([operation](GuidanceStep& step) {
        step.denoised[0] = step.uncond().defined() ? operation->apply(step.cond() - step.uncond()) + step.uncond() : operation->apply(step.cond());
      });
    });
  }
};

/// Perpendicular negative guidance as a patch: the formula of PerpNegGuider for any sampling node.
class PerpNeg final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("PerpNeg", Form::kV3).module("comfy_extras.nodes_perpneg").category("_for_testing")
        .display_name("Perp-Neg (DEPRECATED by PerpNegGuider)").deprecated().experimental()
        .input("model", Socket{"MODEL"}).input("empty_conditioning", Socket{"CONDITIONING"}).input("neg_scale", hundredths(1.0, 0.0, 100.0))
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(*in.object<ModelValue>("model")->held, [&](GuidanceHooks& hooks) {
      const auto list = 2 + hooks.extra.size();
      hooks.extra.push_back(conditioning(in, "empty_conditioning"));
      hooks.needs_uncond = true;
      hooks.formula = [list, scale = in.number("neg_scale")](const GuidanceStep& step) {
        if (list >= step.denoised.size()) return step.uncond() + (step.cond() - step.uncond()) * step.cfg;  // a guider with lists of its own
        return perp_neg(step.cond(), step.uncond(), step.denoised[list], scale, step.cfg);
      };
    });
  }
};

/// Divides the noise that is predicted by a factor near 1 (Ning et al. 2024, exposure bias).
class EpsilonScaling final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("Epsilon Scaling", Form::kV3).module("comfy_extras.nodes_eps").category("model_patches/unet")
        .input("model", Socket{"MODEL"}).input("scaling_factor", Float{.value = 1.005, .min = 0.5, .max = 1.5, .step = 0.001, .display = "number"})
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_hooks(*in.object<ModelValue>("model")->held, [factor = in.number("scaling_factor")](GuidanceHooks& hooks) {
      hooks.after.push_back([factor](const GuidanceStep& step, const at::Tensor& result) { return step.x - (step.x - result) / factor; });
    });
  }
};

}  // namespace

void register_guidance_nodes(Registry& registry) {
  registry.add<RescaleCFG>();
  registry.add<DifferentialDiffusion>();
  registry.add<LatentApplyOperationCFG>();
  registry.add<PerpNeg>();
  registry.add<EpsilonScaling>();
}

}  // namespace darkroom
