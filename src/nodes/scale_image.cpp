// ImageScale, ImageScaleBy, ImageScaleToTotalPixels, ImageScaleToMaxDimension: new sizes for pictures.

#include <algorithm>
#include <cmath>

#include "nodes/all_nodes.hpp"
#include "nodes/image_size.hpp"
#include "nodes/limits.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

const std::vector<std::string> kMethods{"nearest-exact", "bilinear", "area", "bicubic", "lanczos"};

Combo method_choice() { return Combo(kMethods, nullptr); }

/// An old-form choice that shows no options.
Combo bare_choice(std::vector<std::string> choices) {
  Combo combo(std::move(choices), nullptr);
  combo.common.bare = true;
  return combo;
}

/// To a given size; 0 for one side keeps the ratio, for both the picture.
class ImageScale final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageScale", Form::kV1).display_name("Upscale Image").category("image/upscaling")
        .input("image", Image{.common = {.bare = true}})
        .input("upscale_method", bare_choice(kMethods))
        .input("width", Int{.value = 512, .min = 0, .max = kMaxResolution, .step = 1})
        .input("height", Int{.value = 512, .min = 0, .max = kMaxResolution, .step = 1})
        .input("crop", bare_choice({"disabled", "center"}))
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    std::int64_t width = in.integer("width"), height = in.integer("height");
    if (width == 0 && height == 0) return {in.at("image")};
    if (width == 0) width = std::max<std::int64_t>(1, round_even(static_cast<double>(image.size(2) * height) / static_cast<double>(image.size(1))));
    if (height == 0) height = std::max<std::int64_t>(1, round_even(static_cast<double>(image.size(1) * width) / static_cast<double>(image.size(2))));
    return {tensor_value(resize_image(image, width, height, in.choice("upscale_method"), in.choice("crop")))};
  }
};

class ImageScaleBy final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageScaleBy", Form::kV1).display_name("Upscale Image By").category("image/upscaling")
        .input("image", Image{.common = {.bare = true}})
        .input("upscale_method", bare_choice(kMethods))
        .input("scale_by", Float{.value = 1.0, .min = 0.01, .max = 8.0, .step = 0.01})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const double factor = in.number("scale_by");
    return {tensor_value(resize_image(image, round_even(static_cast<double>(image.size(2)) * factor),
                                      round_even(static_cast<double>(image.size(1)) * factor), in.choice("upscale_method"), "disabled"))};
  }
};

/// To about so many megapixels (1024 x 1024), both sides multiples of `resolution_steps`.
class ImageScaleToTotalPixels final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageScaleToTotalPixels", Form::kV3).module("comfy_extras.nodes_post_processing").category("image/upscaling")
        .input("image", Image{})
        .input("upscale_method", method_choice())
        .input("megapixels", Float{.value = 1.0, .min = 0.01, .max = 16.0, .step = 0.01})
        .input("resolution_steps", Int{.value = 1, .min = 1, .max = 256})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const auto width = static_cast<double>(image.size(2)), height = static_cast<double>(image.size(1));
    const std::int64_t step = in.integer_or("resolution_steps", 1);
    const double factor = std::sqrt(in.number("megapixels") * 1024 * 1024 / (width * height));
    const auto side = [&](double old) { return round_even(old * factor / static_cast<double>(step)) * step; };
    return {tensor_value(resize_image(image, side(width), side(height), in.choice("upscale_method"), "disabled"))};
  }
};

/// The longer side becomes `largest_size`, the ratio stays.
class ImageScaleToMaxDimension final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageScaleToMaxDimension", Form::kV3).module("comfy_extras.nodes_images").category("image/upscaling")
        .input("image", Image{})
        .input("upscale_method", Combo{"area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"})
        .input("largest_size", Int{.value = 512, .min = 0, .max = kMaxResolution, .step = 1})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const auto old_width = static_cast<double>(image.size(2)), old_height = static_cast<double>(image.size(1));
    const std::int64_t largest = in.integer("largest_size");
    std::int64_t width = largest, height = largest;
    if (old_width > old_height) height = round_even(old_height / old_width * static_cast<double>(largest));
    if (old_height > old_width) width = round_even(old_width / old_height * static_cast<double>(largest));
    return {tensor_value(resize_image(image, width, height, in.choice("upscale_method"), "disabled"))};
  }
};

}  // namespace

void register_scale_image_nodes(Registry& registry) {
  registry.add<ImageScale>();
  registry.add<ImageScaleBy>();
  registry.add<ImageScaleToTotalPixels>();
  registry.add<ImageScaleToMaxDimension>();
}

}  // namespace darkroom
