#include "nodes/diffusion/checkpoint_files.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/unet_names.hpp"
#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/mapped_file.hpp"

namespace darkroom {

namespace {

constexpr std::string_view kCheckpointUNet = "model.diffusion_model.";

/// The UNet of a file in ldm's names: below a checkpoint's prefix, bare, or renamed from diffusers'.
Weights unet_weights(const std::shared_ptr<const StateDict>& tensors) {
  if (Weights(tensors).has_below(kCheckpointUNet)) return Weights(tensors, std::string(kCheckpointUNet));
  return has_diffusers_names(*tensors) ? Weights(std::make_shared<const StateDict>(ldm_names(*tensors))) : Weights(tensors);
}

/// The tensors that a picture needs: of the text encoders first, of the autoencoder last, each part in the file's order. Without it the
/// networks, which are packed one after another, would wait for the disk each time.
std::vector<at::Tensor> in_order_of_use(const Checkpoint& checkpoint) {
  std::vector<at::Tensor> tensors;
  const auto add_part = [&](const auto& each) {
    const auto first = tensors.size();
    each([&](const std::string&, const at::Tensor& tensor) { tensors.push_back(tensor); });
    std::sort(tensors.begin() + static_cast<std::ptrdiff_t>(first), tensors.end(),
              [](const at::Tensor& a, const at::Tensor& b) { return std::less<>()(a.const_data_ptr(), b.const_data_ptr()); });
  };
  if (checkpoint.clip) add_part([&](const auto& take) { checkpoint.clip->weights().each(take); });
  add_part([&](const auto& take) { checkpoint.model->network->weights().each(take); });
  if (checkpoint.vae) add_part([&](const auto& take) { each_below(checkpoint.vae->state_dict(), "", take); });
  return tensors;
}

std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path, const Compute& compute, const Compute& vae_compute) {
  auto checkpoint = std::make_shared<Checkpoint>();
  checkpoint->tensors = std::make_shared<const StateDict>(load_checkpoint(path));
  opened(path, [&] {
    const Weights root(checkpoint->tensors);
    checkpoint->model = std::make_shared<const DiffusionModel>(load_diffusion_model(unet_weights(checkpoint->tensors), compute));
    checkpoint->clip = load_checkpoint_clip(checkpoint->tensors);
    if (root.has_below("first_stage_model.") || root.has_below("vae.")) checkpoint->vae = load_vae(root, vae_compute);
  });
  read_ahead(in_order_of_use(*checkpoint));
  return checkpoint;
}

}  // namespace

std::shared_ptr<const Checkpoint> open_checkpoint(const std::filesystem::path& path, Context& context) {
  const auto compute = compute_of(context);
  return model_files<Checkpoint>(context, "checkpoints")->get(path, compute, [&](const auto& file) { return open(file, compute, convolution_compute_of(context)); });
}

}  // namespace darkroom
