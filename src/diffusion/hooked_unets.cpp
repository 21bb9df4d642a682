#include "diffusion/hooked_unets.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "tensor/packed.hpp"

namespace darkroom {
namespace {

/// A UNet and the one whose layers it shares.
struct HookedUNet {
  std::shared_ptr<const UNet> plain;
  UNet network;
  std::size_t bytes() const { return network.bytes(); }
};

}  // namespace

struct HookedUNets::Kept {
  Kept(HookKey hooks, const Weights& base, const Compute& compute)
      : key(std::move(hooks)), weights(base), packed(compute.budget, change(base, compute), {}) {}

  HookKey key;
  Weights weights;
  std::set<std::string> changed;  ///< names from the file's root on
  Packed<HookedUNet> packed;

 private:
  /// Puts the hooks' patches on the weights; about how many bytes those have that they change.
  std::size_t change(const Weights& base, const Compute& compute) {
    std::set<std::string> names;
    for (const auto& hook : key) weights = weights.patched(hook.weights->unet_patch(base, hook.strength, names));
    std::size_t elements = 0;
    for (const auto& name : names) {
      if (!base.has(name)) continue;
      elements += static_cast<std::size_t>(base.raw(name).numel());
      changed.insert(base.prefix() + name);
    }
    return elements * c10::elementSize(compute.dtype);
  }
};

HookedUNets::HookedUNets(Weights weights, Compute compute) : weights_(std::move(weights)), compute_(std::move(compute)) {}
HookedUNets::~HookedUNets() = default;

std::shared_ptr<const HookedUNets::Kept> HookedUNets::kept(const HookKey& key) {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(kept_, key, [](const auto& kept) -> const HookKey& { return kept->key; });
  if (known != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, known);
  } else {
    kept_.push_front(std::make_shared<const Kept>(key, weights_, compute_));
    if (kept_.size() > kMostKept) kept_.pop_back();
  }
  return kept_.front();
}

std::shared_ptr<const UNet> HookedUNets::acquire(const HookKey& key, const std::shared_ptr<const UNet>& plain) {
  const auto found = kept(key);
  const auto hooked =
      found->packed.acquire([&] { return std::make_shared<const HookedUNet>(plain, UNet(*plain, found->weights, found->changed)); });
  return {hooked, &hooked->network};
}

}  // namespace darkroom
