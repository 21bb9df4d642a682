// UpscaleModelLoader, ImageUpscaleWithModel and ImageUpscaleDenoise: super-resolution networks out of models/upscale_models.

#include "nodes/upscale_model.hpp"

#include <c10/core/ScalarType.h>

#include <fmt/format.h>

#include <filesystem>

#include "base/error.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/model_files.hpp"
#include "nodes/restoration_preview.hpp"
#include "restore/tiling.hpp"
#include "worker/models.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {

namespace {

/// About what the packed form takes.
std::size_t packed_bytes(const UpscalerWeights& weights, const Compute& compute) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : weights.tensors) numbers += tensor.numel();
  return static_cast<std::size_t>(numbers) * c10::elementSize(compute.dtype);
}

}  // namespace

UpscaleModel::UpscaleModel(std::filesystem::path file, UpscalerWeights weights, const Compute& compute)
    : info_(weights.info),
      file_(std::move(file)),
      weights_(std::move(weights)),
      network_(compute.budget, packed_bytes(*weights_, compute), [this, compute]() -> std::shared_ptr<const Upscaler> {
        const UpscalerWeights read = weights_ ? *std::exchange(weights_, std::nullopt) : read_upscaler(file_);
        if (read.info != info_) throw InvalidInput(file_.filename().string() + ": another network has taken its place; load it again");
        return make_upscaler(read, compute);
      }) {}

std::shared_ptr<const UpscaleModel> load_upscale_model(UpscaleModels& models, const std::filesystem::path& path, const Compute& compute) {
  return models.get(path, compute, [&](const auto& file) { return std::make_shared<const UpscaleModel>(file, read_upscaler(file), compute); });
}

namespace {

constexpr double kMostNoise = 75;  // what SRMD was trained with

Outputs upscale(const Upscaler& network, const at::Tensor& image, Context& context) {
  const auto check = [&] { context.check(); };
  if (!wants_restoration_previews(context))
    return {tensor_value(upscale_tiled(
        network, image, {}, [&](auto value, auto max) { context.progress(value, max); }, check, {}, model_budget(context)))};
  // Whoever watches a restoration sees each tile as it comes.
  const std::int64_t scale = network.info().scale, width = image.size(2) * scale, height = image.size(1) * scale;
  std::string picture;
  const auto seen = [&](const at::Tensor& tile, std::int64_t x, std::int64_t y) {
    picture = tile_preview(context, tile, x, y, width, height);
  };
  const auto progress = [&](auto value, auto max) { context.progress(value, max, "JPEG", std::move(picture)); };
  return {tensor_value(upscale_tiled(network, image, {}, progress, check, seen, model_budget(context)))};
}

class UpscaleModelLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("UpscaleModelLoader", Form::kV3).module("comfy_extras.nodes_upscale_model").category("loaders")
        .display_name("Load Upscale Model")
        .input("model_name", models("upscale_models"))
        .output("UPSCALE_MODEL");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto path = model_file(context, "upscale_models", in.choice("model_name"));
    return {load_upscale_model(*model_files<UpscaleModel>(context, "upscale_models"), path, convolution_compute_of(context))};
  }
};

class ImageUpscaleWithModel final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageUpscaleWithModel", Form::kV3).module("comfy_extras.nodes_upscale_model").category("image/upscaling")
        .display_name("Upscale Image (using Model)")
        .input("upscale_model", Socket{"UPSCALE_MODEL"}).input("image", Image{})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<UpscaleModel>("upscale_model");
    const auto image = in.image("image");
    context.check();
    return upscale(*model->network(), image, context);
  }
};

/// Enlarges and takes noise away at once, by a network that is told how strong it is.
class ImageUpscaleDenoise final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("ImageUpscaleDenoise", Form::kV3)
        .module("darkroom.nodes")
        .category("image/upscaling")
        .display_name("Upscale and Denoise Image (using Model)")
        .description(
            "Enlarges a noisy image by an SRMD network (srmd_x2, srmd_x3, srmd_x4), which is told the noise's standard deviation in 8-bit "
            "steps: 0 to 10 for scans and photographs, more for grain. Too little sharpens the noise, too much smooths the picture.")
        .input("upscale_model", Socket{"UPSCALE_MODEL"})
        .input("image", Image{})
        .input("noise", Float{.value = 3, .min = 0, .max = kMostNoise, .step = 1})
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<UpscaleModel>("upscale_model");
    const auto image = in.image("image");
    const double noise = in.number("noise");  // linked values have not been checked
    if (!(noise >= 0 && noise <= kMostNoise)) throw InvalidInput(fmt::format("noise: {} is not between 0 and {}", noise, kMostNoise));
    if (!model->info().takes_noise)
      throw InvalidInput("upscale_model: a network of the kind " + model->info().architecture +
                         " can't be told how strong the noise is; srmd_x2, srmd_x3 and srmd_x4 can");
    context.check();
    return upscale(*model->network()->at_noise(noise), image, context);
  }
};

}  // namespace

void register_upscale_nodes(Registry& registry) {
  registry.add<UpscaleModelLoader>();
  registry.add<ImageUpscaleWithModel>();
  registry.add<ImageUpscaleDenoise>();
}

}  // namespace darkroom
