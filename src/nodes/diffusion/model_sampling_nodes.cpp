// ModelSampling nodes: what a model's output means and over which sigmas it runs.

#include "base/error.hpp"
#include "diffusion/diffusion_model.hpp"
#include "diffusion/model_sampling.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

NodeSchema model_in_and_out(const char* name) {
  return NodeSchema(name, Form::kV1).module("comfy_extras.nodes_model_advanced").category("advanced/model").display_name(name)
      .input("model", bare("MODEL")).output("MODEL");
}

/// `latents`: what they are like, where that changes too.
Outputs with_schedule(const Inputs& in, std::shared_ptr<const ModelSampling> schedule, const LatentFormat* latents = nullptr) {
  auto model = std::make_shared<DiffusionModel>(*in.object<ModelValue>("model")->held);
  model->schedule = std::move(schedule);
  if (latents) model->latents = latents;
  return {held_value(std::shared_ptr<const DiffusionModel>(std::move(model)))};
}

Float fine(double value) { return {.value = value, .min = 0.0, .max = 1000.0, .step = 0.001, .round = false}; }

[[noreturn]] void refuse(const std::string& sampling) { throw InvalidInput("sampling '" + sampling + "' is not known"); }

class ModelSamplingDiscrete final : public Node {
 public:
  static NodeSchema schema() {
    return model_in_and_out("ModelSamplingDiscrete")
        .input("sampling", bare(Combo{"eps", "v_prediction", "lcm", "x0", "img_to_img"})).input("zsnr", Boolean{.value = false});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto& sampling = in.choice("sampling");
    const bool zsnr = in.boolean("zsnr");
    if (sampling == "lcm") return with_schedule(in, lcm_sampling(zsnr));
    if (sampling == "eps") return with_schedule(in, discrete_sampling(Prediction::kEps, zsnr));
    if (sampling == "v_prediction") return with_schedule(in, discrete_sampling(Prediction::kV, zsnr));
    if (sampling == "x0") return with_schedule(in, discrete_sampling(Prediction::kX0, zsnr));
    if (sampling == "img_to_img") return with_schedule(in, discrete_sampling(Prediction::kImage, zsnr));
    refuse(sampling);
  }
};

class ModelSamplingContinuousEDM final : public Node {
 public:
  static NodeSchema schema() {
    return model_in_and_out("ModelSamplingContinuousEDM")
        .input("sampling", bare(Combo{"v_prediction", "edm", "edm_playground_v2.5", "eps", "cosmos_rflow"}))
        .input("sigma_max", fine(120.0)).input("sigma_min", fine(0.002));
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto& sampling = in.choice("sampling");
    const double low = in.number("sigma_min"), high = in.number("sigma_max");
    if (sampling == "v_prediction") return with_schedule(in, continuous_edm_sampling(Prediction::kV, low, high, 1.0));
    if (sampling == "eps") return with_schedule(in, continuous_edm_sampling(Prediction::kEps, low, high, 1.0));
    if (sampling == "edm") return with_schedule(in, continuous_edm_sampling(Prediction::kEdm, low, high, 0.5));
    if (sampling == "edm_playground_v2.5") return with_schedule(in, continuous_edm_sampling(Prediction::kEdm, low, high, 0.5), &playground_latents());
    if (sampling == "cosmos_rflow") return with_schedule(in, continuous_edm_sampling(Prediction::kVeFlow, low, high, 1.0));
    refuse(sampling);
  }
};

class ModelSamplingContinuousV final : public Node {
 public:
  static NodeSchema schema() {
    return model_in_and_out("ModelSamplingContinuousV")
        .input("sampling", bare(Combo{"v_prediction"})).input("sigma_max", fine(500.0)).input("sigma_min", fine(0.03));
  }
  Outputs run(const Inputs& in, Context&) override {
    return with_schedule(in, continuous_v_sampling(Prediction::kV, in.number("sigma_min"), in.number("sigma_max")));
  }
};

class ModelSamplingSD3 final : public Node {
 public:
  static NodeSchema schema() { return model_in_and_out("ModelSamplingSD3").input("shift", hundredths(3.0, 0.0, 100.0)); }
  Outputs run(const Inputs& in, Context&) override { return with_schedule(in, flow_sampling(in.number("shift"))); }
};

}  // namespace

void register_model_sampling_nodes(Registry& registry) {
  registry.add<ModelSamplingDiscrete>();
  registry.add<ModelSamplingContinuousEDM>();
  registry.add<ModelSamplingContinuousV>();
  registry.add<ModelSamplingSD3>();
}

}  // namespace darkroom
