#include "diffusion/diffusion_model.hpp"

#include "base/error.hpp"

namespace darkroom {

std::shared_ptr<const UNet> Network::acquire() const {
  const std::lock_guard lock(mutex_);
  if (!packed_) packed_ = std::make_shared<const UNet>(weights_, config_, compute_);
  return packed_;
}

void Network::drop() const {
  const std::lock_guard lock(mutex_);
  packed_.reset();
}

std::size_t Network::bytes() const {
  const std::lock_guard lock(mutex_);
  return packed_ ? packed_->bytes() : 0;
}

DiffusionModel DiffusionModel::with_weights(Weights::Patch patch) const {
  DiffusionModel changed(*this);
  changed.network = std::make_shared<const Network>(network->weights().patched(std::move(patch)), network->config(), network->compute());
  return changed;
}

DiffusionModel load_diffusion_model(const Weights& weights, const Compute& compute) {
  auto config = detect_unet(weights);
  if (!config) throw InvalidInput("the file holds no diffusion model of a known family (SD1.x, SD2.x, SDXL)");
  DiffusionModel model;
  const bool xl = config->family == Family::kSDXL || config->family == Family::kSDXLRefiner;
  model.latents = xl ? &sdxl_latents() : &sd15_latents();
  model.schedule = discrete_sampling(config->prediction, config->zero_terminal_snr);
  model.network = std::make_shared<const Network>(weights, std::move(*config), compute);
  return model;
}

}  // namespace darkroom
