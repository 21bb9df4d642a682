#pragma once
// The UNets of a run of which entries carry hooks: the model's own, and for each set of strengths one of hooked_unets.

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/hooks.hpp"

namespace darkroom {

/// Lives as long as a run; nothing but the own network is made while no entry has hooks.
class HookedNetworks {
 public:
  /// `largest`: the run's first sigma.
  HookedNetworks(const DiffusionModel& model, double largest) : model_(model), largest_(largest), plain_(model.network->acquire()) {}

  /// The key of `hooks` at `sigma`, to be asked for at every call of the model; null: no hooks.
  HookKey key_at(const Hooks* hooks, double sigma);
  /// The next calls need these: all other networks may be given up.
  void keep(const std::set<HookKey>& keys);
  const UNet& network(const HookKey& key);

 private:
  const DiffusionModel& model_;
  double largest_;
  std::shared_ptr<const UNet> plain_;
  std::map<const Hooks*, std::vector<KeyframeTrack>> tracks_;
  std::map<HookKey, std::shared_ptr<const UNet>> hooked_;
};

}  // namespace darkroom
