// ImageBlend, ImageBlur, ImageSharpen, ImageQuantize, ImageAddNoise: new values for the pixels of a picture.

#include <ATen/TensorOperators.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/randn.h>

#include "imaging/quantize.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/blend.hpp"
#include "nodes/blur.hpp"
#include "nodes/image_bytes.hpp"
#include "nodes/image_size.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_post_processing";
constexpr const char* kCategory = "image/postprocessing";

/// Mixes two images by a blend mode; the second is scaled to the first.
class ImageBlend final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageBlend", Form::kV3).module(kModule).category(kCategory)
        .input("image1", Image{}).input("image2", Image{})
        .input("blend_factor", Float{.value = 0.5, .min = 0.0, .max = 1.0, .step = 0.01})
        .input("blend_mode", Combo{"normal", "multiply", "screen", "overlay", "soft_light", "difference"})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor first = in.image("image1");
    at::Tensor second = with_channels(in.image("image2"), first.size(3));
    if (first.size(1) != second.size(1) || first.size(2) != second.size(2)) second = resize_image(second, first.size(2), first.size(1), "bicubic", "center");
    if (first.size(0) != second.size(0) && first.size(0) != 1 && second.size(0) != 1)
      throw InvalidInput("batches of " + std::to_string(first.size(0)) + " and " + std::to_string(second.size(0)) + " images can't be blended");
    return {tensor_value(blend(first, second, in.number("blend_factor"), in.choice("blend_mode")))};
  }
};

class ImageBlur final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageBlur", Form::kV3).module(kModule).category(kCategory)
        .input("image", Image{})
        .input("blur_radius", Int{.value = 1, .min = 1, .max = 31, .step = 1})
        .input("sigma", Float{.value = 1.0, .min = 0.1, .max = 10.0, .step = 0.1})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(gaussian_blur(in.image("image"), in.integer("blur_radius"), in.number("sigma")))};
  }
};

class ImageSharpen final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageSharpen", Form::kV3).module(kModule).category(kCategory)
        .input("image", Image{})
        .input("sharpen_radius", Int{.value = 1, .min = 1, .max = 31, .step = 1})
        .input("sigma", Float{.value = 1.0, .min = 0.1, .max = 10.0, .step = 0.01})
        .input("alpha", Float{.value = 1.0, .min = 0.0, .max = 5.0, .step = 0.01})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    return {tensor_value(sharpen(in.image("image"), in.integer("sharpen_radius"), in.number("sigma"), in.number("alpha")))};
  }
};

/// Few colours, chosen for each picture of the batch.
class ImageQuantize final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageQuantize", Form::kV3).module(kModule).category(kCategory)
        .input("image", Image{})
        .input("colors", Int{.value = 256, .min = 1, .max = 256, .step = 1})
        .input("dither", Combo{"none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const at::Tensor image = in.image("image");
    if (image.size(3) != 3) throw InvalidInput("image: expected RGB images, got " + describe(image));
    const int height = static_cast<int>(image.size(1)), width = static_cast<int>(image.size(2));
    const std::string& dither = in.choice("dither");
    at::Tensor out = at::empty_like(image, at::MemoryFormat::Contiguous);
    for (std::int64_t i = 0; i < image.size(0); ++i) {
      context.check();
      auto pixels = image_to_bytes(image.select(0, i));
      const auto palette = imaging::median_cut(pixels.data(), pixels.size() / 3, static_cast<int>(in.integer("colors")));
      if (dither == "none") imaging::map_to_palette(pixels.data(), pixels.size() / 3, palette);
      else if (dither == "floyd-steinberg") imaging::map_with_diffusion(pixels.data(), width, height, palette);
      else imaging::map_with_bayer(pixels.data(), width, height, palette, std::stoi(dither.substr(dither.find('-') + 1)));
      out.select(0, i).copy_(image_from_bytes(pixels.data(), {height, width, 3}));
    }
    return {tensor_value(out)};
  }
};

/// Adds noise of the CPU generator in the image's own layout.
class ImageAddNoise final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageAddNoise", Form::kV3).module("comfy_extras.nodes_images").category("image")
        .input("image", Image{})
        .input("seed", Int{.value = 0, .min = 0, .max = UINT64_MAX, .control_after_generate = true, .common = {.tooltip = "The random seed of the noise."}})
        .input("strength", Float{.value = 0.5, .min = 0.0, .max = 1.0, .step = 0.01})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(in.seed("seed"));
    const at::Tensor noise = at::randn(image.sizes(), generator, at::TensorOptions(at::kFloat));
    return {tensor_value((image + noise * in.number("strength")).clamp(0, 1))};
  }
};

}  // namespace

void register_filter_image_nodes(Registry& registry) {
  registry.add<ImageBlend>();
  registry.add<ImageBlur>();
  registry.add<ImageSharpen>();
  registry.add<ImageQuantize>();
  registry.add<ImageAddNoise>();
}

}  // namespace darkroom
