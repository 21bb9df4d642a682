#include "diffusion/hooks.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/lora.hpp"
#include "diffusion/model_sampling.hpp"

namespace darkroom {
namespace {

class LoraWeights final : public HookWeights {
 public:
  LoraWeights(std::string name, std::shared_ptr<const LoraFile> file) : name_(std::move(name)), file_(std::move(file)) {}

  const void* source() const override { return file_.get(); }
  Weights::Patch unet_patch(const Weights& unet, double strength, std::set<std::string>& names) const override {
    std::vector<std::string> used;
    auto targets = std::make_shared<const LoraTargets>(unet_targets(*file_, unet, used));
    if (targets->weights.empty()) log::warn("{}: none of its {} keys fit the model", name_, file_->deltas.size());
    for (const auto& [name, delta] : targets->weights) names.insert(name);
    return lora_patch(std::move(targets), strength);
  }

  Weights::Patch clip_patch(const Clip& clip, double strength) const override {
    std::vector<std::string> used;
    return lora_patch(std::make_shared<const LoraTargets>(clip_targets(*file_, clip.weight_names(), used)), strength);
  }

 private:
  std::string name_;
  std::shared_ptr<const LoraFile> file_;
};

/// weight + (theirs - original) * strength, where both have it in one shape: what patches have changed in `weight` stays.
at::Tensor moved(const at::Tensor& weight, const at::Tensor& original, const at::Tensor& theirs, double strength) {
  return weight.to(at::kFloat) + (theirs.to(at::kFloat) - original.to(at::kFloat)) * strength;
}

class ModelWeights final : public HookWeights {
 public:
  ModelWeights(Weights unet, std::shared_ptr<const Clip> clip) : unet_(std::move(unet)), clip_(std::move(clip)) {}

  const void* source() const override { return &unet_.tensors(); }
  Weights::Patch unet_patch(const Weights& unet, double strength, std::set<std::string>& names) const override {
    unet.each([&](const std::string& name, const at::Tensor& tensor) {
      if (unet_.has(name) && unet_.raw(name).sizes() == tensor.sizes()) names.insert(name);
    });
    return patch(unet_, unet, strength);
  }

  Weights::Patch clip_patch(const Clip& clip, double strength) const override {
    if (!clip_) return [](const std::string&, const at::Tensor& weight) { return weight; };
    return patch(clip_->weights(), clip.weights(), strength);
  }

 private:
  static Weights::Patch patch(const Weights& theirs, const Weights& base, double strength) {
    return [theirs, base, strength](const std::string& name, const at::Tensor& weight) {
      if (!theirs.has(name) || theirs.raw(name).sizes() != weight.sizes()) return weight;
      return moved(weight, base.raw(name), theirs.get(name), strength);
    };
  }

  Weights unet_;
  std::shared_ptr<const Clip> clip_;
};

}  // namespace

void add_keyframe(HookKeyframes& keyframes, HookKeyframe keyframe) {
  const auto place = std::upper_bound(keyframes.begin(), keyframes.end(), keyframe, [](const auto& a, const auto& b) { return a.start_percent < b.start_percent; });
  keyframes.insert(place, keyframe);
}

std::shared_ptr<const HookWeights> lora_hook_weights(std::string name, std::shared_ptr<const LoraFile> file) {
  if (file->deltas.empty()) log::warn("{}: holds no LoRA in a form that is known", name);
  return std::make_shared<LoraWeights>(std::move(name), std::move(file));
}

std::shared_ptr<const HookWeights> model_hook_weights(const Weights& unet, std::shared_ptr<const Clip> clip) {
  return std::make_shared<ModelWeights>(unet, std::move(clip));
}

Hooks combined(Hooks first, const Hooks& second) {
  for (const auto& hook : second)
    if (std::none_of(first.begin(), first.end(), [&](const Hook& known) { return known.weights == hook.weights; })) first.push_back(hook);
  return first;
}

Conditioning encode_hooked(const std::shared_ptr<const Clip>& clip, const std::function<Cond(const Clip&)>& encode) {
  const auto* hooked = clip->hooks();
  if (!hooked || hooked->hooks.empty()) return {encode(*clip)};
  const auto carried = hooked->on_conditioning ? std::make_shared<const Hooks>(hooked->hooks) : nullptr;
  const auto encoded = [&](const std::function<double(const Hook&)>& factor) {
    auto patched = clip;
    for (const auto& hook : hooked->hooks)
      if (const double strength = hook.strength_clip * factor(hook); strength != 0) patched = patched->with_patches(hook.weights->clip_patch(*clip, strength));
    auto cond = encode(*patched);
    cond.hooks = carried;
    return cond;
  };
  if (!hooked->scheduled) return {encoded([](const Hook&) { return 1.0; })};

  std::set<double> starts{0};
  for (const auto& hook : hooked->hooks)
    for (const auto& keyframe : hook.keyframes)
      if (keyframe.start_percent < 1) starts.insert(keyframe.start_percent);
  Conditioning parts;
  for (auto start = starts.begin(); start != starts.end(); ++start) {
    auto part = encoded([&](const Hook& hook) {
      double factor = 1;
      for (const auto& keyframe : hook.keyframes)
        if (keyframe.start_percent <= *start) factor = keyframe.strength;
      return factor;
    });
    part.text_start_percent = *start;
    part.text_end_percent = std::next(start) == starts.end() ? 1.0 : *std::next(start);
    parts.push_back(std::move(part));
  }
  return parts;
}

KeyframeTrack::KeyframeTrack(const HookKeyframes& keyframes, const ModelSampling& sampling, double largest) {
  for (const auto& keyframe : keyframes) {
    const double start = sampling.percent_to_sigma(keyframe.start_percent);
    moments_.push_back({keyframe.strength, start, start > largest ? 0 : keyframe.steps});  // one that began before the run need not be kept
  }
}

double KeyframeTrack::at(double sigma) {
  if (moments_.empty()) return 1;
  if (sigma != sigma_) {
    if (used_ >= moments_[current_].steps)
      for (auto next = current_ + 1; next < moments_.size() && moments_[next].start_sigma >= sigma; ++next) {
        current_ = next;
        used_ = 0;
        if (moments_[next].steps > 0) break;
      }
    ++used_;
    sigma_ = sigma;
  }
  return moments_[current_].strength;
}

}  // namespace darkroom
