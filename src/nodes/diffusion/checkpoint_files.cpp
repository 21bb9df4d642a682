#include "nodes/diffusion/checkpoint_files.hpp"

#include "base/error.hpp"
#include "diffusion/clip.hpp"
#include "storage/folders.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/model_files.hpp"
#include "worker/models.hpp"

namespace darkroom {

namespace {

constexpr std::string_view kCheckpointUNet = "model.diffusion_model.";

std::shared_ptr<const Checkpoint> open(const std::filesystem::path& path, const Compute& compute) {
  auto opened = std::make_shared<Checkpoint>();
  opened->tensors = std::make_shared<const StateDict>(load_checkpoint(path));
  try {
    const Weights root(opened->tensors);
    const std::string prefix(root.has_below(kCheckpointUNet) ? kCheckpointUNet : "");
    opened->model = std::make_shared<const DiffusionModel>(load_diffusion_model(Weights(opened->tensors, prefix), compute));
    opened->clip = load_checkpoint_clip(opened->tensors);
    if (root.has_below("first_stage_model.") || root.has_below("vae.")) opened->vae = load_vae(root, compute);
  } catch (const InvalidInput& error) {
    throw naming(path, error);
  }
  return opened;
}

}  // namespace

std::shared_ptr<const Checkpoint> open_checkpoint(const std::filesystem::path& path, Context& context) {
  using Pool = ModelFiles<Checkpoint>;
  const auto pool = std::static_pointer_cast<Pool>(context.shared("checkpoints", [] { return std::make_shared<Pool>(); }));
  const auto compute = compute_of(context);
  return pool->get(path, compute, [&](const std::filesystem::path& file) { return open(file, compute); });
}

Compute compute_of(Context& context) { return {.dtype = context.bf16() ? at::kBFloat16 : at::kFloat, .budget = model_budget(context)}; }

InvalidInput naming(const std::filesystem::path& file, const InvalidInput& error) {
  const std::string name = file.filename().string(), text = error.what();
  return InvalidInput(text.starts_with(name) ? text : name + ": " + text);
}

std::filesystem::path model_file(const Context& context, const std::string& folder, const std::string& name) {
  const auto path = context.folders().find_model(folder, name);
  if (!path) throw NotFound("Model in folder '" + folder + "' with filename '" + name + "' not found.");
  return *path;
}

}  // namespace darkroom
