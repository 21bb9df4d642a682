// EmptyImage and GetImageSize.

#include <ATen/ops/empty.h>

#include "nodes/all_nodes.hpp"
#include "nodes/limits.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// A batch of one colour, given as 0xRRGGBB.
class EmptyImage final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("EmptyImage", Form::kV1).display_name("EmptyImage").category("image")
        .input("width", Int{.value = 512, .min = 1, .max = kMaxResolution, .step = 1})
        .input("height", Int{.value = 512, .min = 1, .max = kMaxResolution, .step = 1})
        .input("batch_size", Int{.value = 1, .min = 1, .max = 4096})
        .input("color", Int{.value = 0, .min = 0, .max = 0xFFFFFF, .step = 1, .display = "color"})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::int64_t width = in.integer("width"), height = in.integer("height"), batch = in.integer_or("batch_size", 1);
    const std::int64_t color = in.integer_or("color", 0);
    check_tensor_size("EmptyImage", {batch, height, width, 3});
    at::Tensor image = at::empty({batch, height, width, 3}, at::kFloat);
    for (int c = 0; c < 3; ++c) image.select(3, c).fill_(static_cast<float>((color >> (16 - 8 * c)) & 0xFF) / 255.0F);
    return {tensor_value(image)};
  }
};

/// Width, height and batch size as numbers, also shown at the node.
class GetImageSize final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("GetImageSize", Form::kV3).module("comfy_extras.nodes_images").display_name("Get Image Size").category("image")
        .description("Gives the size of an image and passes nothing else on.")
        .input("image", Image{}).hidden("unique_id", "UNIQUE_ID")
        .output("INT", "width").output("INT", "height").output("INT", "batch_size");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const at::Tensor image = in.image("image");
    const std::int64_t batch = image.size(0), height = image.size(1), width = image.size(2);
    context.text("width: " + std::to_string(width) + ", height: " + std::to_string(height) + "\n batch size: " + std::to_string(batch));
    return {width, height, batch};
  }
};

}  // namespace

void register_create_image_nodes(Registry& registry) {
  registry.add<EmptyImage>();
  registry.add<GetImageSize>();
}

}  // namespace darkroom
