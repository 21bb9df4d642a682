// ImageStitch and ImageCompositeMasked: two pictures in one.

#include "nodes/all_nodes.hpp"
#include "nodes/compositing.hpp"
#include "nodes/image_size.hpp"
#include "nodes/limits.hpp"
#include "nodes/stitch.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

class ImageStitch final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageStitch", Form::kV3).module("comfy_extras.nodes_images").display_name("Image Stitch").category("image/transform")
        .description("Puts the second image beside, above or below the first.")
        .input("image1", Image{})
        .input("direction", Combo({"right", "down", "left", "up"}, "right"))
        .input("match_image_size", Boolean{.value = true})
        .input("spacing_width", Int{.value = 0, .min = 0, .max = 1024, .step = 2})
        .input("spacing_color", Combo({"white", "black", "red", "green", "blue"}, "white"))
        .optional("image2", Image{})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    if (!in.given("image2")) return {in.at("image1")};
    return {tensor_value(stitch(in.image("image1"), in.image("image2"),
                                {.direction = in.choice("direction"), .match_size = in.boolean("match_image_size"),
                                 .spacing = in.integer("spacing_width"), .spacing_color = in.choice("spacing_color")}))};
  }
};

/// Pastes the source into the destination at (x, y), weighted by a mask.
class ImageCompositeMasked final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageCompositeMasked", Form::kV3).module("comfy_extras.nodes_mask").category("image")
        .input("destination", Image{}).input("source", Image{})
        .input("x", Int{.value = 0, .min = 0, .max = kMaxResolution, .step = 1})
        .input("y", Int{.value = 0, .min = 0, .max = kMaxResolution, .step = 1})
        .input("resize_source", Boolean{.value = false})
        .optional("mask", Mask{})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor destination = in.image("destination");
    const at::Tensor source = with_channels(in.image("source"), destination.size(3));
    std::optional<at::Tensor> mask;
    if (in.given("mask")) mask = in.mask("mask");
    const at::Tensor out = paste(destination.movedim(-1, 1), source.movedim(-1, 1), in.integer("x"), in.integer("y"), mask, 1, in.boolean("resize_source"));
    return {tensor_value(out.movedim(1, -1))};
  }
};

}  // namespace

void register_combine_image_nodes(Registry& registry) {
  registry.add<ImageStitch>();
  registry.add<ImageCompositeMasked>();
}

}  // namespace darkroom
