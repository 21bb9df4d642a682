#include "nodes/diffusion/checkpoint_files.hpp"

#include "base/error.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/unet_names.hpp"
#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {

namespace {

constexpr std::string_view kCheckpointUNet = "model.diffusion_model.";

/// The UNet of a file in ldm's names: below a checkpoint's prefix, bare, or renamed from diffusers'.
Weights unet_weights(const std::shared_ptr<const StateDict>& tensors) {
  if (Weights(tensors).has_below(kCheckpointUNet)) return Weights(tensors, std::string(kCheckpointUNet));
  return has_diffusers_names(*tensors) ? Weights(std::make_shared<const StateDict>(ldm_names(*tensors))) : Weights(tensors);
}

std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path, const Compute& compute) {
  auto opened = std::make_shared<Checkpoint>();
  opened->tensors = std::make_shared<const StateDict>(load_checkpoint(path));
  try {
    const Weights root(opened->tensors);
    opened->model = std::make_shared<const DiffusionModel>(load_diffusion_model(unet_weights(opened->tensors), compute));
    opened->clip = load_checkpoint_clip(opened->tensors);
    if (root.has_below("first_stage_model.") || root.has_below("vae.")) opened->vae = load_vae(root, compute);
  } catch (const InvalidInput& error) {
    throw naming(path, error);
  }
  return opened;
}

}  // namespace

std::shared_ptr<const Checkpoint> open_checkpoint(const std::filesystem::path& path, Context& context) {
  const auto compute = compute_of(context);
  return model_files<Checkpoint>(context, "checkpoints")->get(path, compute, [&](const auto& file) { return open(file, compute); });
}

}  // namespace darkroom
