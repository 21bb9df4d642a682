// RestoreDenoise, RestoreScratches, RestoreSharpen: what restores without a network.

#include "nodes/all_nodes.hpp"
#include "nodes/restoration_preview.hpp"
#include "restore/classical.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr double kMostNoise = 40;  ///< 8-bit steps at full strength

Float strength(double value, const char* tooltip) {
  return Float{.value = value, .min = 0, .max = 1, .step = 0.05, .common = {.tooltip = tooltip}};
}

ClassicalProgress progress_of(Context& context) {
  return [&context](std::int64_t value, std::int64_t max) { context.progress(value, max); };
}

/// The result, shown to whoever watches the restoration.
Outputs done(const at::Tensor& image, Context& context) {
  if (wants_restoration_previews(context)) context.progress(image.size(0), image.size(0), "JPEG", whole_preview(context, image));
  return {tensor_value(image)};
}

/// Removes noise by non-local means; needs no model.
class RestoreDenoise final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RestoreDenoise", Form::kV3).module("nodes").category("image/restoration").display_name("Remove Noise (non-local means)")
        .description("Removes noise without a model.")
        .input("image", Image{})
        .input("strength", strength(0.3, "0 changes nothing, 1 removes noise with a standard deviation of 40 in 8-bit steps."))
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    return done(denoise_non_local_means(in.image("image"), in.number("strength") * kMostNoise, progress_of(context)), context);
  }
};

/// Finds scratches, or takes a mask of them, and fills them from around.
class RestoreScratches final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RestoreScratches", Form::kV3).module("nodes").category("image/restoration").display_name("Repair Scratches")
        .description("Fills scratches from what is around them. Without a mask it looks for long thin lines; the mask that it used comes out beside the image.")
        .input("image", Image{})
        .input("strength", strength(0.5, "How faint a line may be to count as a scratch. With a mask: 0 changes nothing."))
        .optional("mask", Mask{})
        .output(Image{}).output(Mask{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const at::Tensor image = in.image("image");
    const double strength = in.number("strength");
    context.check();
    const at::Tensor mask = in.given("mask") ? in.mask("mask") : find_scratches(image, strength);
    Outputs outputs = done(strength > 0 ? inpaint(image, mask, progress_of(context)) : image, context);
    outputs.values.push_back(tensor_value(mask));
    return outputs;
  }
};

/// An unsharp mask that leaves colours alone.
class RestoreSharpen final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("RestoreSharpen", Form::kV3).module("nodes").category("image/restoration").display_name("Sharpen Photo")
        .description("Unsharp mask on the lightness alone, so that colours stay.")
        .input("image", Image{})
        .input("strength", strength(0.5, "0 changes nothing, 1 adds all of the difference to a blurred picture."))
        .optional("radius", Float{.value = 1.5, .min = 0.1, .max = 20, .step = 0.1, .common = {.tooltip = "Of the blur, in pixels."}})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    return done(sharpen_luminance(in.image("image"), in.number("strength"), in.number_or("radius", 1.5), progress_of(context)), context);
  }
};

}  // namespace

void register_classical_nodes(Registry& registry) {
  registry.add<RestoreDenoise>();
  registry.add<RestoreScratches>();
  registry.add<RestoreSharpen>();
}

}  // namespace darkroom
