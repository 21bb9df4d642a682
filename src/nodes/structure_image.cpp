// Canny, Morphology, ImageRGBToYUV, ImageYUVToRGB: shapes and planes of pictures.

#include <ATen/TensorOperators.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>

#include "nodes/all_nodes.hpp"
#include "nodes/canny.hpp"
#include "nodes/morphology.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// White edges on black.
class Canny final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("Canny", Form::kV3).module("comfy_extras.nodes_canny").category("image/preprocessors")
        .input("image", Image{})
        .input("low_threshold", Float{.value = 0.4, .min = 0.01, .max = 0.99, .step = 0.01})
        .input("high_threshold", Float{.value = 0.8, .min = 0.01, .max = 0.99, .step = 0.01})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor edges = canny(in.image("image").movedim(-1, 1), in.number("low_threshold"), in.number("high_threshold"));
    return {tensor_value(edges.repeat({1, 3, 1, 1}).movedim(1, -1))};
  }
};

class Morphology final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("Morphology", Form::kV3).module("comfy_extras.nodes_morphology").display_name("ImageMorphology").category("image/postprocessing")
        .input("image", Image{})
        .input("operation", Combo{"erode", "dilate", "open", "close", "gradient", "bottom_hat", "top_hat"})
        .input("kernel_size", Int{.value = 3, .min = 3, .max = 999, .step = 1})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(morphology(in.image("image").movedim(-1, 1), in.choice("operation"), in.integer("kernel_size")).movedim(1, -1))};
  }
};

/// Full-range YCbCr as three grey pictures.
class ImageRGBToYUV final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageRGBToYUV", Form::kV3).module("comfy_extras.nodes_morphology").category("image/batch")
        .input("image", Image{})
        .output(Image{}, "Y").output(Image{}, "U").output(Image{}, "V");
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    if (image.size(3) != 3) throw InvalidInput("image: expected RGB images, got " + describe(image));
    const at::Tensor r = image.select(3, 0), g = image.select(3, 1), b = image.select(3, 2);
    const at::Tensor y = r * 0.299 + g * 0.587 + b * 0.114;
    const auto picture = [&](const at::Tensor& plane) { return tensor_value(plane.unsqueeze(-1).expand_as(image).contiguous()); };
    return {picture(y), picture((b - y) * 0.564 + 0.5), picture((r - y) * 0.713 + 0.5)};
  }
};

class ImageYUVToRGB final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageYUVToRGB", Form::kV3).module("comfy_extras.nodes_morphology").category("image/batch")
        .input("Y", Image{}).input("U", Image{}).input("V", Image{})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto plane = [&](const char* name) { return at::mean(in.image(name), at::IntArrayRef{-1}); };
    const at::Tensor y = plane("Y"), u = plane("U"), v = plane("V");
    if (y.sizes() != u.sizes() || y.sizes() != v.sizes())
      throw InvalidInput("Y, U and V: pictures of one size are needed, got " + describe(y) + ", " + describe(u) + " and " + describe(v));
    const at::Tensor cb = u - 0.5, cr = v - 0.5;
    // The exact inverse of ImageRGBToYUV's coefficients, as kornia 0.9 has it: 1/0.713, 1/0.564, and green from both.
    const at::Tensor rgb = at::stack({y + cr * 1.4025245442, y - cr * 0.7144034731 - cb * 0.3443401356, y + cb * 1.7730496454}, -1);
    return {tensor_value(rgb.clamp(0, 1))};
  }
};

}  // namespace

void register_structure_image_nodes(Registry& registry) {
  registry.add<Canny>();
  registry.add<Morphology>();
  registry.add<ImageRGBToYUV>();
  registry.add<ImageYUVToRGB>();
}

}  // namespace darkroom
