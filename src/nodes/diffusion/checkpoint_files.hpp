#pragma once
// Checkpoints: files with a diffusion model and mostly what belongs to it, opened once for all prompts.

#include <filesystem>
#include <memory>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/vae.hpp"
#include "tensor/state_dict.hpp"
#include "worker/node.hpp"

namespace darkroom {

class Clip;

/// What a checkpoint holds; parts that it has not are null.
struct Checkpoint {
  std::shared_ptr<const StateDict> tensors;
  std::shared_ptr<const DiffusionModel> model;
  std::shared_ptr<const Clip> clip;
  std::shared_ptr<const Vae> vae;
};

/// A file with a UNet, with text encoder and VAE if they are there; opened once for all prompts. Throws NotFound, or InvalidInput that
/// begins with the file's name.
std::shared_ptr<const Checkpoint> open_checkpoint(const std::filesystem::path& path, Context& context);

}  // namespace darkroom
