// CheckpointLoaderSimple, CheckpointLoader and UNETLoader: diffusion models out of files.

#include "diffusion/clip.hpp"
#include "diffusion/unet_patches.hpp"
#include "diffusion/vae.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/checkpoint_files.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/model_files.hpp"
#include "worker/node.hpp"

namespace darkroom {

template <>
std::string ModelValue::describe() const {
  return "<model of " + std::to_string(held->config().model_channels) + " channels>";
}

template <>
std::size_t ModelValue::bytes() const { return held->network->bytes(); }

namespace {

/// MODEL, CLIP and VAE of a file. A part that is missing is None, as nodes that want it know to say.
Outputs parts_of(const Checkpoint& checkpoint) {
  return {held_value(checkpoint.model), checkpoint.clip ? held_value(checkpoint.clip) : Value(), checkpoint.vae ? held_value(checkpoint.vae) : Value()};
}

Outputs load(const std::string& name, Context& context) {
  return parts_of(*open_checkpoint(model_file(context, "checkpoints", name), context));
}

class CheckpointLoaderSimple final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CheckpointLoaderSimple", Form::kV1).category("loaders").display_name("Load Checkpoint")
        .description("A diffusion model with its text encoder and VAE.")
        .input("ckpt_name", models("checkpoints"))
        .output("MODEL", "", false, "Removes noise from latents.")
        .output("CLIP", "", false, "Encodes text.")
        .output("VAE", "", false, "Turns pictures into latents and back.");
  }
  Outputs run(const Inputs& in, Context& context) override { return load(in.choice("ckpt_name"), context); }
};

/// The old loader: its configuration file is not read, since the checkpoint itself says what it is.
class CheckpointLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CheckpointLoader", Form::kV1).category("advanced/loaders").display_name("Load Checkpoint With Config (DEPRECATED)").deprecated()
        .input("config_name", bare(models("configs"))).input("ckpt_name", bare(models("checkpoints")))
        .output("MODEL").output("CLIP").output("VAE");
  }
  Outputs run(const Inputs& in, Context& context) override { return load(in.choice("ckpt_name"), context); }
};

/// Weights as a type of 8 bits holds them.
Weights::Patch rounded_to(at::ScalarType type) {
  return [type](const std::string&, const at::Tensor& weight) { return weight.is_floating_point() ? weight.to(type).to(at::kFloat) : weight; };
}

/// A UNet alone. The fp8 types round its weights; they are computed with in the worker's own precision.
class UNETLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("UNETLoader", Form::kV1).category("advanced/loaders").display_name("Load Diffusion Model")
        .input("unet_name", bare(models("diffusion_models")))
        .input("weight_dtype", bare(Combo{"default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"}))
        .output("MODEL");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = open_checkpoint(model_file(context, "diffusion_models", in.choice("unet_name")), context)->model;
    const auto& dtype = in.choice("weight_dtype");
    if (dtype == "default") return {held_value(model)};
    const auto type = dtype.starts_with("fp8_e4m3fn") ? at::kFloat8_e4m3fn : at::kFloat8_e5m2;
    return {held_value(std::make_shared<const DiffusionModel>(model->with_weights(rounded_to(type))))};
  }
};

}  // namespace

void register_checkpoint_loaders(Registry& registry) {
  registry.add<CheckpointLoaderSimple>();
  registry.add<CheckpointLoader>();
  registry.add<UNETLoader>();
}

}  // namespace darkroom
