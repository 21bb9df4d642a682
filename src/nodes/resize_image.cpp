// ResizeImageMaskNode and ResizeAndPadImage: one node for all ways of saying how big.

#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>

#include "nodes/all_nodes.hpp"
#include "nodes/image_size.hpp"
#include "nodes/limits.hpp"
#include "nodes/resize.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

struct Size {
  std::int64_t width, height;
};

/// The new size that a choice of `resize_type` asks for. Zero for a side keeps the ratio, for both the picture.
class SizeRule {
 public:
  SizeRule(Size old, const Inputs& rule) : old_(old), rule_(rule) {}

  Size wanted() const {
    const std::string& kind = rule_.choice("resize_type");
    if (kind == "scale by multiplier") return scaled(rule_.number("multiplier"));
    if (kind == "scale dimensions") return sides(rule_.integer("width"), rule_.integer("height"));
    if (kind == "scale width") return sides(rule_.integer("width"), 0);
    if (kind == "scale height") return sides(0, rule_.integer("height"));
    if (kind == "scale longer dimension") return anchored(rule_.integer("longer_size"), old_.width >= old_.height);
    // The ratio stays for upright pictures too; ComfyUI 0.8.0 makes squares of them.
    if (kind == "scale shorter dimension") return anchored(rule_.integer("shorter_size"), old_.width < old_.height);
    if (kind == "scale total pixels")
      return scaled(std::sqrt(rule_.number("megapixels") * 1024 * 1024 / static_cast<double>(old_.width * old_.height)));
    if (kind == "match size") return size_of(*rule_.object<TensorObject>("match"));
    throw InvalidInput("resize_type: unknown kind '" + kind + "'");
  }

 private:
  static Size size_of(const TensorObject& other) {
    const at::Tensor& t = other.tensor;  // IMAGE [B,H,W,C] or MASK [B,H,W]
    if (t.dim() < 3) throw InvalidInput("match: expected an image or a mask, got " + describe(t));
    return {t.size(2), t.size(1)};
  }
  Size scaled(double factor) const { return {round_even(static_cast<double>(old_.width) * factor), round_even(static_cast<double>(old_.height) * factor)}; }
  Size anchored(std::int64_t side, bool by_width) const {
    const auto width = static_cast<double>(old_.width), height = static_cast<double>(old_.height), size = static_cast<double>(side);
    return by_width ? Size{side, round_even(height / width * size)} : Size{round_even(width / height * size), side};
  }
  Size sides(std::int64_t width, std::int64_t height) const {
    const auto by_ratio = [](std::int64_t known, std::int64_t old, std::int64_t other) {
      return std::max<std::int64_t>(1, round_even(static_cast<double>(other * known) / static_cast<double>(old)));
    };
    if (width == 0 && height == 0) return old_;
    if (width == 0) width = by_ratio(height, old_.height, old_.width);
    if (height == 0) height = by_ratio(width, old_.width, old_.height);
    return {width, height};
  }

  Size old_;
  const Inputs& rule_;
};

DynamicCombo resize_rules() {
  const auto input = [](const char* name, const auto& type) { return make_input(Form::kV3, name, type); };
  const Int side{.value = 512, .min = 0, .max = kMaxResolution, .step = 1};
  const Combo crop({"disabled", "center"}, "center");
  return {.options = {
              {"scale by multiplier", {input("multiplier", Float{.value = 1.0, .min = 0.01, .max = 8.0, .step = 0.01})}},
              {"scale dimensions", {input("width", side), input("height", side), input("crop", crop)}},
              {"scale longer dimension", {input("longer_size", side)}},
              {"scale shorter dimension", {input("shorter_size", side)}},
              {"scale width", {input("width", side)}},
              {"scale height", {input("height", side)}},
              {"scale total pixels", {input("megapixels", Float{.value = 1.0, .min = 0.01, .max = 16.0, .step = 0.01})}},
              {"match size", {input("match", Socket{.type = "IMAGE,MASK", .common = {}}), input("crop", crop)}},
          }};
}

/// Resizes an image or a mask; the output is what the input was.
class ResizeImageMaskNode final : public Node {
 public:
  static NodeSchema schema() {
    const MatchType either{.template_id = "input_type", .allowed_types = "IMAGE,MASK", .common = {}};
    return NodeSchema("ResizeImageMaskNode", Form::kV3).module("comfy_extras.nodes_post_processing").display_name("Resize Image/Mask").category("transform")
        .description("Resizes an image or a mask in one of several ways.")
        .input("input", either).input("resize_type", resize_rules())
        .input("scale_method", Combo({"nearest-exact", "bilinear", "area", "bicubic", "lanczos"}, "area"))
        .output(either, "resized");
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor input = in.object<TensorObject>("input")->tensor;
    if (input.dim() != 3 && input.dim() != 4) throw InvalidInput("input: expected an image or a mask, got " + describe(input));
    Inputs rule;
    if (const auto* items = in.at("resize_type").if_dict())
      for (const auto& [name, value] : *items) rule.set(name, value);
    const Size size = SizeRule({input.size(2), input.size(1)}, rule).wanted();
    const std::string crop = rule.text_or("crop", "disabled");
    if (input.dim() == 4) return {tensor_value(resize_image(input, size.width, size.height, in.choice("scale_method"), crop))};
    return {tensor_value(common_upscale(input.unsqueeze(1), size.width, size.height, in.choice("scale_method"), crop).squeeze(1))};
  }
};

/// The whole picture inside a given size, borders in white or black.
class ResizeAndPadImage final : public Node {
 public:
  static NodeSchema schema() {
    const Int side{.value = 512, .min = 1, .max = kMaxResolution, .step = 1};
    return NodeSchema("ResizeAndPadImage", Form::kV3).module("comfy_extras.nodes_images").category("image/transform")
        .input("image", Image{}).input("target_width", side).input("target_height", side)
        .input("padding_color", Combo{"white", "black"})
        .input("interpolation", Combo{"area", "bicubic", "nearest-exact", "bilinear", "lanczos"})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const at::Tensor image = in.image("image");
    const std::int64_t full_width = in.integer("target_width"), full_height = in.integer("target_height");
    check_tensor_size("ResizeAndPadImage", {image.size(0), full_height, full_width, image.size(3)});
    const auto old_width = static_cast<double>(image.size(2)), old_height = static_cast<double>(image.size(1));
    const double scale = std::min(static_cast<double>(full_width) / old_width, static_cast<double>(full_height) / old_height);
    const auto width = static_cast<std::int64_t>(old_width * scale), height = static_cast<std::int64_t>(old_height * scale);
    at::Tensor out = at::full({image.size(0), full_height, full_width, image.size(3)}, in.choice("padding_color") == "white" ? 1.0 : 0.0, at::kFloat);
    if (width > 0 && height > 0)  // else nothing is left of a very narrow picture
      out.narrow(1, (full_height - height) / 2, height).narrow(2, (full_width - width) / 2, width)
          .copy_(resize_image(image, width, height, in.choice("interpolation"), "disabled"));
    return {tensor_value(out)};
  }
};

}  // namespace

void register_resize_image_nodes(Registry& registry) {
  registry.add<ResizeImageMaskNode>();
  registry.add<ResizeAndPadImage>();
}

}  // namespace darkroom
