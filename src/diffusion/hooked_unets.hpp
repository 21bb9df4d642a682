#pragma once
// UNets with hooks' weights on a model's own, kept for the next run.

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>

#include "diffusion/hooks.hpp"
#include "diffusion/unet.hpp"
#include "tensor/compute.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// Those of one model. Each counts in the budget with what it does not share with the model's own UNet, and keeps that from being given up.
/// Thread-safe.
class HookedUNets {
 public:
  /// Limit: UNets with hooks' weights that a model keeps. Beyond: the least recently used goes, and is packed anew when it is needed.
  /// Fixed: a hook of five keyframes and some more. Edge: KeptNetworks.AreLimitedInNumber.
  static constexpr std::size_t kMostKept = 8;

  HookedUNets(Weights weights, Compute compute);
  ~HookedUNets();

  /// The UNet of `key`, which is not empty. `plain`: the model's own; all layers that no hook changes are shared with it, the others are
  /// packed if they are not there from an earlier run. Who holds the pointer keeps it from being given up.
  std::shared_ptr<const UNet> acquire(const HookKey& key, const std::shared_ptr<const UNet>& plain);

 private:
  struct Kept;
  std::shared_ptr<const Kept> kept(const HookKey& key);

  Weights weights_;
  Compute compute_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const Kept>> kept_;  ///< last used first
};

}  // namespace darkroom
