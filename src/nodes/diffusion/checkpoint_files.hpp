#pragma once
// The model files of a worker: opened once, shared by all prompts, by file and not by node.

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.hpp"
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
/// How this worker's networks compute, and whose memory they count in.
Compute compute_of(Context& context);
/// The error with the file's name before it.
InvalidInput naming(const std::filesystem::path& file, const InvalidInput& error);
/// The file of a listed model. Throws NotFound in the words that clients know.
std::filesystem::path model_file(const Context& context, const std::string& folder, const std::string& name);

}  // namespace darkroom
