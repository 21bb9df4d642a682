#pragma once
// The UNets of a run of which entries carry hooks: the model's own, and for each set of strengths one that shares with it all layers that no
// hook changes.

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/hooks.hpp"

namespace darkroom {

/// Lives as long as a run; nothing but the own network is made while no entry has hooks.
class HookedNetworks {
 public:
  /// What tells one network from another: weights with their strengths, in the order in which they are added.
  using Key = std::vector<std::pair<const HookWeights*, double>>;

  /// `largest`: the run's first sigma.
  HookedNetworks(const DiffusionModel& model, double largest) : model_(model), largest_(largest), plain_(model.network->acquire()) {}

  /// The key of `hooks` at `sigma`, to be asked for at every call of the model; null: no hooks.
  Key key_at(const Hooks* hooks, double sigma);
  /// The next calls need these: all other networks go.
  void keep(const std::set<Key>& keys);
  const UNet& network(const Key& key);

 private:
  const DiffusionModel& model_;
  double largest_;
  std::shared_ptr<const UNet> plain_;
  std::map<const Hooks*, std::vector<KeyframeTrack>> tracks_;
  std::map<Key, std::shared_ptr<const UNet>> hooked_;
};

}  // namespace darkroom
