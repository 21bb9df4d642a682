#pragma once
// HOOKS: changed weights that belong to single entries of a conditioning, with a strength that may change over the schedule.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diffusion/conditioning.hpp"
#include "tensor/state_dict.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

class Clip;
class ModelSampling;

/// From `start_percent` of the schedule on the hook's strength is times `strength`, for at least `steps` steps.
struct HookKeyframe {
  double strength = 1, start_percent = 0;
  int steps = 1;
};

/// In the order of their starts; one that is added goes behind those that start with it.
using HookKeyframes = std::vector<HookKeyframe>;
void add_keyframe(HookKeyframes& keyframes, HookKeyframe keyframe);

/// Other weights for a network. Immutable.
class HookWeights {
 public:
  virtual ~HookWeights() = default;
  /// The patch of a UNet (names below its root) at a strength; the names that it changes are added to `names`.
  virtual Weights::Patch unet_patch(const Weights& unet, double strength, std::set<std::string>& names) const = 0;
  virtual Weights::Patch clip_patch(const Clip& clip, double strength) const = 0;
};

/// A LoRA file's deltas; `name` is for messages.
std::shared_ptr<const HookWeights> lora_hook_weights(std::string name, const StateDict& tensors);
/// Another model's weights less those of the model that they are added to, before its own patches. `clip` may be null.
std::shared_ptr<const HookWeights> model_hook_weights(const Weights& unet, std::shared_ptr<const Clip> clip);

/// Two hooks of the same weights are one and the same, whatever their keyframes.
struct Hook {
  std::shared_ptr<const HookWeights> weights;
  double strength_model = 1, strength_clip = 1;
  HookKeyframes keyframes;
};
using Hooks = std::vector<Hook>;

/// Those of `first`, then those of `second` that it does not have.
Hooks combined(Hooks first, const Hooks& second);

/// Hooks of a text encoder (SetClipHooks).
struct ClipHooks {
  Hooks hooks;
  bool on_conditioning = true;  ///< what is encoded carries them on, for the model's weights
  bool scheduled = false;       ///< the text is encoded for each strength that their keyframes have; otherwise once, without keyframes
};

/// What `encode` makes of a text with `clip`'s hooks, an entry for each part of the schedule; without hooks one, at no cost.
Conditioning encode_hooked(const std::shared_ptr<const Clip>& clip, const std::function<Cond(const Clip&)>& encode);

/// Where a hook's strength stands in a run: goes on from keyframe to keyframe as sigma falls, never back.
class KeyframeTrack {
 public:
  /// `largest`: the run's first sigma.
  KeyframeTrack(const HookKeyframes& keyframes, const ModelSampling& sampling, double largest);
  /// The factor at this call's sigma; calls of the same sigma one after another are one step.
  double at(double sigma);

 private:
  struct Moment { double strength, start_sigma; int steps; };
  std::vector<Moment> moments_;
  std::size_t current_ = 0;
  int used_ = 0;
  double sigma_ = -1;
};

}  // namespace darkroom
