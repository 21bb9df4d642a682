#include "diffusion/hooked_networks.hpp"

namespace darkroom {

HookedNetworks::Key HookedNetworks::key_at(const Hooks* hooks, double sigma) {
  Key key;
  if (!hooks) return key;
  auto& tracks = tracks_[hooks];
  if (tracks.empty())
    for (const auto& hook : *hooks) tracks.emplace_back(hook.keyframes, model_.sampling(), largest_);
  for (std::size_t i = 0; i < hooks->size(); ++i) {
    const auto& hook = (*hooks)[i];
    if (const double strength = hook.strength_model * tracks[i].at(sigma); strength != 0) key.emplace_back(hook.weights.get(), strength);
  }
  return key;
}

void HookedNetworks::keep(const std::set<Key>& keys) {
  std::erase_if(hooked_, [&](const auto& entry) { return !keys.contains(entry.first); });
}

const UNet& HookedNetworks::network(const Key& key) {
  if (key.empty()) return *plain_;
  auto& hooked = hooked_[key];
  if (!hooked) {
    auto weights = model_.network->weights();
    const auto base = weights;
    std::set<std::string> names;
    for (const auto& [changed, strength] : key) weights = weights.patched(changed->unet_patch(base, strength, names));
    std::set<std::string> full;
    std::size_t bytes = 0;
    for (const auto& name : names) {
      if (!base.has(name)) continue;
      bytes += static_cast<std::size_t>(base.raw(name).numel()) * c10::elementSize(model_.network->compute().dtype);
      full.insert(base.prefix() + name);
    }
    if (const auto& budget = model_.network->compute().budget) budget->make_room(bytes);
    hooked = std::make_shared<const UNet>(*plain_, weights, full);
  }
  return *hooked;
}

}  // namespace darkroom
