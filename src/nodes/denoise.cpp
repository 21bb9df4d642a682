// ImageDenoise: noise out of pictures, by a network of models/denoise.

#include "restore/denoise.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "nodes/denoise_model.hpp"
#include "nodes/restoration.hpp"
#include "nodes/restoration_preview.hpp"
#include "tensor/concat.hpp"
#include "tensor/out_of_memory.hpp"
#include "worker/models.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr double kMostNoise = 75;  // what the networks were trained with

/// Linked values have not been checked.
double within(const Inputs& in, const char* name, double fallback, double most) {
  const double value = in.number_or(name, fallback);
  if (!(value >= 0 && value <= most)) throw InvalidInput(fmt::format("{}: {} is not between 0 and {}", name, value, most));
  return value;
}

class ImageDenoise final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageDenoise", Form::kV3).module("darkroom.nodes").category("image/restoration")
        .display_name("Denoise Image (using Model)")
        .description("Removes noise of the given standard deviation, in 8-bit steps.")
        .input("image", Image{}).input("model_name", models("denoise"))
        .input("noise", Float{.value = 15, .min = 0, .max = kMostNoise, .step = 1})
        .optional("strength", Float{.value = 1, .min = 0, .max = 1, .step = 0.05})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto image = in.image("image");
    const auto noise = within(in, "noise", 15, kMostNoise), strength = within(in, "strength", 1, 1);
    const auto channels = image.size(3);
    const bool alpha = channels == 2 || channels == 4;
    if (channels > 4) throw InvalidInput(fmt::format("image: expected 1 to 4 channels, got {}", channels));
    context.check();
    const auto network = load_denoise_model(context, in.choice("model_name"))->network();
    std::int64_t tiles = 1;
    const auto progress = [&](auto value, auto max) { context.progress(value, tiles = max); };
    const auto colors = alpha ? image.narrow(3, 0, channels - 1) : image;
    const auto clean =
        with_room(model_budget(context), [&] { return denoise(*network, colors, noise, strength, progress, [&] { context.check(); }); });
    if (channels >= 3 && wants_restoration_previews(context)) context.progress(tiles, tiles, "JPEG", whole_preview(context, clean));
    return {tensor_value(alpha ? concat({clean, image.narrow(3, channels - 1, 1)}, 3) : clean)};
  }
};

}  // namespace

void register_denoise_nodes(Registry& registry) { registry.add<ImageDenoise>(); }

}  // namespace darkroom
