#pragma once
// How patch nodes change a model: a copy with one more change, the given one untouched.

#include <memory>
#include <utility>

#include "diffusion/diffusion_model.hpp"
#include "diffusion/unet_patches.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// `model` with its hooks changed by `change(GuidanceHooks&)`.
template <class Change>
Outputs with_hooks(const DiffusionModel& model, Change change) {
  auto changed = std::make_shared<DiffusionModel>(model);
  change(changed->hooks);
  return {held_value(std::shared_ptr<const DiffusionModel>(std::move(changed)))};
}

/// The patches of `model` with more of them, by `change(UNetPatches&)`.
template <class Change>
std::shared_ptr<const UNetPatches> changed_patches(const DiffusionModel& model, Change change) {
  auto patches = model.patches ? std::make_shared<UNetPatches>(*model.patches) : std::make_shared<UNetPatches>();
  change(*patches);
  return patches;
}

template <class Change>
Outputs with_patches(const DiffusionModel& model, Change change) {
  auto changed = std::make_shared<DiffusionModel>(model);
  changed->patches = changed_patches(model, std::move(change));
  return {held_value(std::shared_ptr<const DiffusionModel>(std::move(changed)))};
}

}  // namespace darkroom
