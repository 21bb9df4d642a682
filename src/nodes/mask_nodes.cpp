// Nodes of the category mask: making, changing and combining masks.

#include <ATen/ops/full.h>

#include "nodes/all_nodes.hpp"
#include "nodes/image_saving.hpp"
#include "nodes/limits.hpp"
#include "nodes/mask_ops.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_mask";

NodeSchema mask_schema(const char* node_class) { return NodeSchema(node_class, Form::kV3).module(kModule).category("mask"); }

/// A place or length in pixels.
Int pixels(std::int64_t value, std::int64_t min) { return {.value = value, .min = min, .max = kMaxResolution, .step = 1}; }

/// A mask of one value.
class SolidMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("SolidMask")
        .input("value", Float{.value = 1.0, .min = 0.0, .max = 1.0, .step = 0.01})
        .input("width", pixels(512, 1)).input("height", pixels(512, 1))
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::int64_t width = in.integer("width"), height = in.integer("height");
    check_tensor_size("width, height", {1, height, width});
    return {tensor_value(at::full({1, height, width}, in.number("value"), at::kFloat))};
  }
};

class InvertMask final : public Node {
 public:
  static NodeSchema schema() { return mask_schema("InvertMask").input("mask", Mask{}).output(Mask{}); }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(in.mask("mask").neg().add_(1))}; }
};

class CropMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("CropMask").input("mask", Mask{})
        .input("x", pixels(0, 0)).input("y", pixels(0, 0)).input("width", pixels(512, 1)).input("height", pixels(512, 1))
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(crop_mask(in.mask("mask"), in.integer("x"), in.integer("y"), in.integer("width"), in.integer("height")))};
  }
};

/// Fades a mask out towards its edges.
class FeatherMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("FeatherMask").input("mask", Mask{})
        .input("left", pixels(0, 0)).input("top", pixels(0, 0)).input("right", pixels(0, 0)).input("bottom", pixels(0, 0))
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(
        feather_mask(in.mask("mask"), in.integer("left"), in.integer("top"), in.integer("right"), in.integer("bottom")))};
  }
};

/// Makes the masked region larger (expand > 0) or smaller.
class GrowMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("GrowMask").display_name("Grow Mask").input("mask", Mask{})
        .input("expand", pixels(0, -kMaxResolution)).input("tapered_corners", Boolean{.value = true})
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {tensor_value(grow_mask(in.mask("mask"), in.integer("expand"), in.boolean("tapered_corners"), [&] { context.check(); }))};
  }
};

/// 1 where the mask is above `value`, 0 elsewhere.
class ThresholdMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("ThresholdMask").input("mask", Mask{})
        .input("value", Float{.value = 0.5, .min = 0.0, .max = 1.0, .step = 0.01})
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(in.mask("mask").gt(in.number("value")).to(at::kFloat))}; }
};

class MaskComposite final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("MaskComposite").input("destination", Mask{}).input("source", Mask{})
        .input("x", pixels(0, 0)).input("y", pixels(0, 0))
        .input("operation", Combo{"multiply", "add", "subtract", "and", "or", "xor"})
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(composite_masks(in.mask("destination"), in.mask("source"), in.integer("x"), in.integer("y"), in.choice("operation")))};
  }
};

/// A grey picture of a mask.
class MaskToImage final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("MaskToImage").display_name("Convert Mask to Image").input("mask", Mask{}).output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor mask = in.mask("mask");
    return {tensor_value(mask.unsqueeze(-1).expand({-1, -1, -1, 3}))};
  }
};

/// One channel of a picture as a mask.
class ImageToMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("ImageToMask").display_name("Convert Image to Mask")
        .input("image", Image{}).input("channel", Combo{"red", "green", "blue", "alpha"})
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::string& channel = in.choice("channel");
    const at::Tensor image = in.image("image");
    const std::int64_t index = channel == "red" ? 0 : channel == "green" ? 1 : channel == "blue" ? 2 : 3;
    if (index >= image.size(3)) throw InvalidInput("channel: " + describe(image) + " has no channel '" + channel + "'");
    return {tensor_value(image.select(3, index).clone())};
  }
};

/// Masks the pixels of one colour, given as a number 0xRRGGBB.
class ImageColorToMask final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("ImageColorToMask").input("image", Image{})
        .input("color", Int{.value = 0, .min = 0, .max = 0xffffff, .step = 1, .display = "number"})
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(mask_of_color(in.image("image"), in.integer("color")))}; }
};

/// Several masks as one batch, scaled to the size of the first.
class BatchMasksNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("BatchMasksNode", Form::kV3).module("comfy_extras.nodes_post_processing").category("mask")
        .display_name("Batch Masks")
        .input("masks", Autogrow{.member = "mask", .of = {"MASK"}, .prefix = "mask", .min = 2, .max = 50})
        .output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    std::vector<at::Tensor> masks;
    if (const auto* items = in.at("masks").if_dict())
      for (const auto& [name, value] : *items) {
        Inputs one;
        one.set(name, value);
        masks.push_back(one.mask(name));
      }
    return {tensor_value(batch_masks(masks))};
  }
};

/// Shows a mask at the node, as a grey picture in the temp folder.
class MaskPreview final : public Node {
 public:
  static NodeSchema schema() {
    return mask_schema("MaskPreview").display_name("Preview Mask").description("Shows a mask without keeping it.").output_node()
        .input("mask", Mask{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const at::Tensor picture = in.mask("mask").unsqueeze(-1).expand({-1, -1, -1, 3});
    return Outputs().show("images", save_previews(picture, prefix_, context)).show("animated", {false});
  }

 private:
  std::string prefix_ = temp_prefix();
};

}  // namespace

void register_mask_nodes(Registry& registry) {
  registry.add<SolidMask>();
  registry.add<InvertMask>();
  registry.add<CropMask>();
  registry.add<FeatherMask>();
  registry.add<GrowMask>();
  registry.add<ThresholdMask>();
  registry.add<MaskComposite>();
  registry.add<MaskToImage>();
  registry.add<ImageToMask>();
  registry.add<ImageColorToMask>();
  registry.add<BatchMasksNode>();
  registry.add<MaskPreview>();
}

}  // namespace darkroom
