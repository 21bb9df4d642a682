#include "nodes/diffusion/vae_run.hpp"

#include "nodes/diffusion_values.hpp"
#include "nodes/model_files.hpp"

namespace darkroom {

VaeRun vae_run(Context& context) {
  return {.check = [&context] { context.check(); },
          .progress = [&context](auto value, auto max) { context.progress(value, max); },
          .memory = memory_left(context)};
}

std::shared_ptr<const Vae> usable_vae(const Inputs& in, std::string_view name) {
  const auto missing = [] {
    return NamedError("RuntimeError", "ERROR: VAE is invalid: None\n\nIf the VAE is from a checkpoint loader node, the checkpoint does not contain a valid VAE.");
  };
  if (in.at(name).is_none()) throw missing();
  auto vae = in.object<VaeValue>(name)->held;
  if (!vae) throw missing();
  return vae;
}

}  // namespace darkroom
