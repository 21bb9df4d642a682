// Nodes of the categories latent, latent/transform and latent/inpaint: making, scaling, placing and turning latents.

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "nodes/all_nodes.hpp"
#include "nodes/compositing.hpp"
#include "nodes/latent_ops.hpp"
#include "nodes/limits.hpp"
#include "nodes/resize.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kPixelsPerLatent = 8;
constexpr std::int64_t kLatentChannels = 4;
constexpr std::int64_t kLeastSide = 64;  ///< pixels; what LatentUpscale gives at least

/// An input of the old form: `["LATENT"]`.
Latent bare_latent() { return {.common = {.bare = true}}; }

/// A place or length in pixels, in steps of one latent element.
Int pixels(std::int64_t value, std::int64_t min) { return {.value = value, .min = min, .max = kMaxResolution, .step = 8}; }

std::vector<std::string> upscale_methods() { return {"nearest-exact", "bilinear", "area", "bicubic", "bislerp"}; }

/// A choice of the old form with a list alone: `[["disabled", "center"]]`.
Combo bare_choice(std::vector<std::string> choices) {
  Combo combo(std::move(choices), nullptr);
  combo.common.bare = true;
  return combo;
}

/// `latent` with other samples; mask and batch indices stay as they are.
Value with_samples(const LatentObject& latent, at::Tensor samples) {
  LatentObject out = latent;
  out.samples = std::move(samples);
  return latent_value(std::move(out));
}

void require_picture(const at::Tensor& samples, const char* input) {
  if (samples.dim() < 4 || samples.numel() == 0) throw InvalidInput(std::string(input) + ": expected [B,C,H,W], got " + describe(samples));
}

std::int64_t rounded(double value) { return static_cast<std::int64_t>(std::nearbyint(value)); }  // half to even

/// A latent of zeros: what a picture is made from.
class EmptyLatentImage final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("EmptyLatentImage", Form::kV1).category("latent").display_name("Empty Latent Image")
        .description("An empty latent to start from.")
        .input("width", Int{.value = 512, .min = 16, .max = kMaxResolution, .step = 8, .common = {.tooltip = "Width of the picture in pixels."}})
        .input("height", Int{.value = 512, .min = 16, .max = kMaxResolution, .step = 8, .common = {.tooltip = "Height of the picture in pixels."}})
        .input("batch_size", Int{.value = 1, .min = 1, .max = 4096, .common = {.tooltip = "How many latents."}})
        .output("LATENT", "", false, "The empty latents.");
  }
  Outputs run(const Inputs& in, Context&) override {
    const std::int64_t width = in.integer("width") / kPixelsPerLatent, height = in.integer("height") / kPixelsPerLatent;
    const std::int64_t batch = in.integer_or("batch_size", 1);
    check_tensor_size("width, height, batch_size", {batch, kLatentChannels, height, width});
    LatentObject latent;
    latent.samples = at::zeros({batch, kLatentChannels, height, width}, at::kFloat);
    return {latent_value(std::move(latent))};
  }
};

/// Scales to a size in pixels. Zero for one side keeps the aspect ratio, for both leaves the latent as it is.
class LatentUpscale final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentUpscale", Form::kV1).category("latent").display_name("Upscale Latent")
        .input("samples", bare_latent()).input("upscale_method", bare_choice(upscale_methods()))
        .input("width", pixels(512, 0)).input("height", pixels(512, 0)).input("crop", bare_choice({"disabled", "center"}))
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    const at::Tensor& samples = latent->samples;
    std::int64_t width = in.integer("width"), height = in.integer("height");
    if (width == 0 && height == 0) return {in.at("samples")};
    require_picture(samples, "samples");
    const double aspect = static_cast<double>(samples.size(-1)) / static_cast<double>(samples.size(-2));
    if (width == 0) {
      height = std::max(kLeastSide, height);
      width = std::max(kLeastSide, rounded(static_cast<double>(height) * aspect));
    } else if (height == 0) {
      width = std::max(kLeastSide, width);
      height = std::max(kLeastSide, rounded(static_cast<double>(width) / aspect));
    } else {
      width = std::max(kLeastSide, width);
      height = std::max(kLeastSide, height);
    }
    return {with_samples(*latent, common_upscale(samples, width / kPixelsPerLatent, height / kPixelsPerLatent, in.choice("upscale_method"), in.choice("crop")))};
  }
};

class LatentUpscaleBy final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentUpscaleBy", Form::kV1).category("latent").display_name("Upscale Latent By")
        .input("samples", bare_latent()).input("upscale_method", bare_choice(upscale_methods()))
        .input("scale_by", Float{.value = 1.5, .min = 0.01, .max = 8.0, .step = 0.01})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    require_picture(latent->samples, "samples");
    const double scale = in.number("scale_by");
    const std::int64_t width = rounded(static_cast<double>(latent->samples.size(-1)) * scale);
    const std::int64_t height = rounded(static_cast<double>(latent->samples.size(-2)) * scale);
    if (width < 1 || height < 1) throw InvalidInput("scale_by: nothing would be left of " + describe(latent->samples));
    return {with_samples(*latent, common_upscale(latent->samples, width, height, in.choice("upscale_method"), "disabled"))};
  }
};

class LatentComposite final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentComposite", Form::kV1).category("latent").display_name("Latent Composite")
        .input("samples_to", bare_latent()).input("samples_from", bare_latent())
        .input("x", pixels(0, 0)).input("y", pixels(0, 0)).input("feather", pixels(0, 0))
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto to = in.latent("samples_to");
    require_picture(to->samples, "samples_to");
    return {with_samples(*to, composite_latents(to->samples, in.latent("samples_from")->samples, in.integer("x") / kPixelsPerLatent,
                                                in.integer("y") / kPixelsPerLatent, in.integer("feather") / kPixelsPerLatent))};
  }
};

class LatentCompositeMasked final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentCompositeMasked", Form::kV3).module("comfy_extras.nodes_mask").category("latent")
        .input("destination", Latent{}).input("source", Latent{})
        .input("x", pixels(0, 0)).input("y", pixels(0, 0)).input("resize_source", Boolean{.value = false})
        .optional("mask", Mask{})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto destination = in.latent("destination");
    require_picture(destination->samples, "destination");
    require_picture(in.latent("source")->samples, "source");
    std::optional<at::Tensor> mask;
    if (in.given("mask")) mask = in.mask("mask");
    return {with_samples(*destination, paste(destination->samples, in.latent("source")->samples, in.integer("x"), in.integer("y"), mask,
                                             kPixelsPerLatent, in.boolean("resize_source")))};
  }
};

class LatentBlend final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentBlend", Form::kV1).category("_for_testing").display_name("Latent Blend")
        .input("samples1", bare_latent()).input("samples2", bare_latent())
        .input("blend_factor", blend_factor())
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto first = in.latent("samples1");
    require_picture(first->samples, "samples1");
    return {with_samples(*first, blend_latents(first->samples, in.latent("samples2")->samples, in.number("blend_factor")))};
  }

 private:
  /// Its limits are shown as integers.
  static InputSpec blend_factor() {
    InputSpec spec = make_input(Form::kV1, "blend_factor", Float{.value = 0.5});
    spec.options["min"] = 0;
    spec.options["max"] = 1;
    spec.options["step"] = 0.01;
    return spec;
  }
};

class LatentCrop final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentCrop", Form::kV1).category("latent/transform").display_name("Crop Latent")
        .input("samples", bare_latent())
        .input("width", pixels(512, 64)).input("height", pixels(512, 64)).input("x", pixels(0, 0)).input("y", pixels(0, 0))
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    require_picture(latent->samples, "samples");
    return {with_samples(*latent, crop_latent(latent->samples, in.integer("x") / kPixelsPerLatent, in.integer("y") / kPixelsPerLatent,
                                              in.integer("width") / kPixelsPerLatent, in.integer("height") / kPixelsPerLatent))};
  }
};

class LatentFlip final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentFlip", Form::kV1).category("latent/transform").display_name("Flip Latent")
        .input("samples", bare_latent()).input("flip_method", bare_choice({"x-axis: vertically", "y-axis: horizontally"}))
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    require_picture(latent->samples, "samples");
    return {with_samples(*latent, latent->samples.flip(in.choice("flip_method").starts_with('x') ? 2 : 3))};
  }
};

/// Turns clockwise.
class LatentRotate final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("LatentRotate", Form::kV1).category("latent/transform").display_name("Rotate Latent")
        .input("samples", bare_latent())
        .input("rotation", bare_choice({"none", "90 degrees", "180 degrees", "270 degrees"}))
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    const auto latent = in.latent("samples");
    require_picture(latent->samples, "samples");
    const std::string& rotation = in.choice("rotation");
    const int quarters = rotation.starts_with('9') ? 1 : rotation.starts_with('1') ? 2 : rotation.starts_with('2') ? 3 : 0;
    return {with_samples(*latent, rotate_latent(latent->samples, quarters))};
  }
};

/// Marks where a sampler may change the latent.
class SetLatentNoiseMask final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SetLatentNoiseMask", Form::kV1).category("latent/inpaint").display_name("Set Latent Noise Mask")
        .input("samples", bare_latent()).input("mask", Mask{.common = {.bare = true}})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    LatentObject latent = *in.latent("samples");
    const at::Tensor mask = in.object<TensorObject>("mask")->tensor;
    if (mask.dim() < 2 || mask.numel() == 0) throw InvalidInput("mask: expected a mask [B,H,W], got " + describe(mask));
    latent.noise_mask = mask.reshape({-1, 1, mask.size(-2), mask.size(-1)});
    return {latent_value(std::move(latent))};
  }
};

}  // namespace

void register_latent_nodes(Registry& registry) {
  registry.add<EmptyLatentImage>();
  registry.add<LatentUpscale>();
  registry.add<LatentUpscaleBy>();
  registry.add<LatentComposite>();
  registry.add<LatentCompositeMasked>();
  registry.add<LatentBlend>();
  registry.add<LatentCrop>();
  registry.add<LatentFlip>();
  registry.add<LatentRotate>();
  registry.add<SetLatentNoiseMask>();
}

}  // namespace darkroom
