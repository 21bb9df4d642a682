#include "diffusion/hooked_networks.hpp"

#include "diffusion/hooked_unets.hpp"

namespace darkroom {

HookKey HookedNetworks::key_at(const Hooks* hooks, double sigma) {
  HookKey key;
  if (!hooks) return key;
  auto& tracks = tracks_[hooks];
  if (tracks.empty())
    for (const auto& hook : *hooks) tracks.emplace_back(hook.keyframes, model_.sampling(), largest_);
  for (std::size_t i = 0; i < hooks->size(); ++i) {
    const auto& hook = (*hooks)[i];
    if (const double strength = hook.strength_model * tracks[i].at(sigma); strength != 0) key.push_back({hook.weights, strength});
  }
  return key;
}

void HookedNetworks::keep(const std::set<HookKey>& keys) {
  std::erase_if(hooked_, [&](const auto& entry) { return !keys.contains(entry.first); });
}

const UNet& HookedNetworks::network(const HookKey& key) {
  if (key.empty()) return *plain_;
  auto& hooked = hooked_[key];
  if (!hooked) hooked = model_.network->hooked().acquire(key, plain_);
  return *hooked;
}

}  // namespace darkroom
