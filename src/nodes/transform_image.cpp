// ImageCrop, ImageFlip, ImageRotate, ImageInvert, ImagePadForOutpaint: moving pixels without new values.

#include <ATen/ops/flip.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rot90.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "nodes/all_nodes.hpp"
#include "nodes/limits.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// A part of the picture; what lies outside is left out.
class ImageCrop final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageCrop", Form::kV3).module("comfy_extras.nodes_images").display_name("Image Crop").category("image/transform")
        .input("image", Image{})
        .input("width", Int{.value = 512, .min = 1, .max = kMaxResolution, .step = 1})
        .input("height", Int{.value = 512, .min = 1, .max = kMaxResolution, .step = 1})
        .input("x", Int{.value = 0, .min = 0, .max = kMaxResolution, .step = 1})
        .input("y", Int{.value = 0, .min = 0, .max = kMaxResolution, .step = 1})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const std::int64_t x = std::min(in.integer("x"), image.size(2) - 1), y = std::min(in.integer("y"), image.size(1) - 1);
    const std::int64_t width = std::min(in.integer("width"), image.size(2) - x), height = std::min(in.integer("height"), image.size(1) - y);
    return {tensor_value(image.narrow(1, y, height).narrow(2, x, width))};
  }
};

class ImageFlip final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageFlip", Form::kV3).module("comfy_extras.nodes_images").category("image/transform")
        .input("image", Image{}).input("flip_method", Combo{"x-axis: vertically", "y-axis: horizontally"})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(at::flip(in.image("image"), {in.choice("flip_method").starts_with("x") ? 1 : 2}))};
  }
};

/// Clockwise.
class ImageRotate final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageRotate", Form::kV3).module("comfy_extras.nodes_images").category("image/transform")
        .input("image", Image{}).input("rotation", Combo{"none", "90 degrees", "180 degrees", "270 degrees"})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::string& rotation = in.choice("rotation");
    const int quarters = rotation.starts_with("90") ? 1 : rotation.starts_with("180") ? 2 : rotation.starts_with("270") ? 3 : 0;
    return {tensor_value(at::rot90(in.image("image"), quarters, {2, 1}))};
  }
};

class ImageInvert final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageInvert", Form::kV1).display_name("Invert Image").category("image")
        .input("image", Image{.common = {.bare = true}}).output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override { return {tensor_value(at::rsub(in.image("image"), 1.0))}; }
};

/// Grey borders to paint into, and the mask for it: 1 outside, and inside a soft edge of `feathering` pixels.
class ImagePadForOutpaint final : public Node {
 public:
  static NodeSchema schema() {
    const Int side{.value = 0, .min = 0, .max = kMaxResolution, .step = 8};
    return NodeSchema("ImagePadForOutpaint", Form::kV1).display_name("Pad Image for Outpainting").category("image")
        .input("image", Image{.common = {.bare = true}})
        .input("left", side).input("top", side).input("right", side).input("bottom", side)
        .input("feathering", Int{.value = 40, .min = 0, .max = kMaxResolution, .step = 1})
        .output(Image{}).output(Mask{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const std::int64_t left = in.integer("left"), top = in.integer("top"), right = in.integer("right"), bottom = in.integer("bottom");
    const std::int64_t batch = image.size(0), height = image.size(1), width = image.size(2);
    const std::int64_t full_height = height + top + bottom, full_width = width + left + right;
    check_tensor_size("ImagePadForOutpaint", {batch, full_height, full_width, image.size(3)});
    at::Tensor padded = at::full({batch, full_height, full_width, image.size(3)}, 0.5, at::kFloat);
    padded.narrow(1, top, height).narrow(2, left, width).copy_(image);
    at::Tensor mask = at::ones({1, full_height, full_width}, at::kFloat);
    mask[0].narrow(0, top, height).narrow(1, left, width).copy_(soft_edge(height, width, {left, top, right, bottom}, in.integer("feathering")));
    return {tensor_value(padded), tensor_value(mask)};
  }

 private:
  struct Pads {
    std::int64_t left, top, right, bottom;
  };

  /// ((f - d) / f)^2 where d, the distance to the nearest padded side, is below f. Too wide an edge is none.
  static at::Tensor soft_edge(std::int64_t height, std::int64_t width, const Pads& pads, std::int64_t feathering) {
    at::Tensor edge = at::zeros({height, width}, at::kFloat);
    if (feathering <= 0 || feathering * 2 >= height || feathering * 2 >= width) return edge;
    auto* values = edge.mutable_data_ptr<float>();
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t distance = std::min({pads.top ? y : height, pads.bottom ? height - y : height, pads.left ? x : width, pads.right ? width - x : width});
        if (distance >= feathering) continue;
        const double v = static_cast<double>(feathering - distance) / static_cast<double>(feathering);
        values[y * width + x] = static_cast<float>(v * v);
      }
    return edge;
  }
};

}  // namespace

void register_transform_image_nodes(Registry& registry) {
  registry.add<ImageCrop>();
  registry.add<ImageFlip>();
  registry.add<ImageRotate>();
  registry.add<ImageInvert>();
  registry.add<ImagePadForOutpaint>();
}

}  // namespace darkroom
