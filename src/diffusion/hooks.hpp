#pragma once
// HOOKS: changed weights that belong to single entries of a conditioning, with a strength that may change over the schedule.

#include <compare>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diffusion/conditioning.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

class Clip;
class ModelSampling;
struct LoraFile;  // diffusion/lora.hpp

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
  /// What they were read from: those of one source do the same to a UNet. Lives as long as they do.
  virtual const void* source() const { return this; }
  /// The patch of a UNet (names below its root) at a strength; the names that it changes are added to `names`.
  virtual Weights::Patch unet_patch(const Weights& unet, double strength, std::set<std::string>& names) const = 0;
  virtual Weights::Patch clip_patch(const Clip& clip, double strength) const = 0;
};

/// A LoRA file's deltas, their source; `name` is for messages.
std::shared_ptr<const HookWeights> lora_hook_weights(std::string name, std::shared_ptr<const LoraFile> file);
/// Another model's weights less those of the model that they are added to, before its own patches. Their source are `unet`'s tensors;
/// `clip` may be null.
std::shared_ptr<const HookWeights> model_hook_weights(const Weights& unet, std::shared_ptr<const Clip> clip);

/// Two hooks of the same weights are one and the same, whatever their keyframes.
struct Hook {
  std::shared_ptr<const HookWeights> weights;
  double strength_model = 1, strength_clip = 1;
  HookKeyframes keyframes;
};
using Hooks = std::vector<Hook>;

/// Weights with the strength that they have now.
struct HookStrength {
  std::shared_ptr<const HookWeights> weights;
  double strength;
  /// By source and strength.
  friend std::partial_ordering operator<=>(const HookStrength& a, const HookStrength& b) {
    const auto order = std::compare_three_way()(a.weights->source(), b.weights->source());
    return order != 0 ? std::partial_ordering(order) : a.strength <=> b.strength;
  }
  friend bool operator==(const HookStrength& a, const HookStrength& b) { return (a <=> b) == 0; }
};
/// In the order in which they are added: what tells one changed UNet from another.
using HookKey = std::vector<HookStrength>;

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
