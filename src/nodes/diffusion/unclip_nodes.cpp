// unCLIPCheckpointLoader and unCLIPConditioning: models that are told of pictures beside the text.

#include "base/error.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/vae.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/checkpoint_files.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vision_values.hpp"
#include "nodes/model_files.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

class unCLIPCheckpointLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("unCLIPCheckpointLoader", Form::kV1).category("loaders").display_name("unCLIPCheckpointLoader")
        .input("ckpt_name", bare(models("checkpoints")))
        .output("MODEL").output("CLIP").output("VAE").output("CLIP_VISION");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto path = model_file(context, "checkpoints", in.choice("ckpt_name"));
    const auto checkpoint = open_checkpoint(path, context);
    const auto vision = load_clip_vision(checkpoint->tensors);
    const auto or_none = [](const auto& part) { return part ? held_value(part) : Value(); };
    return {held_value(checkpoint->model), or_none(checkpoint->clip), or_none(checkpoint->vae), or_none(vision)};
  }
};

class unCLIPConditioning final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("unCLIPConditioning", Form::kV1).category("conditioning").display_name("unCLIPConditioning")
        .input("conditioning", bare("CONDITIONING")).input("clip_vision_output", bare("CLIP_VISION_OUTPUT"))
        .input("strength", hundredths(1.0, -10.0, 10.0)).input("noise_augmentation", hundredths(0.0, 0.0, 1.0))
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override {
    Conditioning entries = conditioning(in, "conditioning");
    const double strength = in.number("strength");
    if (strength == 0) return {conditioning_value(std::move(entries))};
    const UnclipImage picture{in.object<EncodedPictureValue>("clip_vision_output")->held->embedding, strength, in.number("noise_augmentation")};
    for (auto& entry : entries) entry.unclip.push_back(picture);
    return {conditioning_value(std::move(entries))};
  }
};

}  // namespace

void register_unclip_nodes(Registry& registry) {
  registry.add<unCLIPCheckpointLoader>();
  registry.add<unCLIPConditioning>();
}

}  // namespace darkroom
