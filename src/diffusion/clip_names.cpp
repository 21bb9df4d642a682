#include "diffusion/clip_names.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>

#include <array>
#include <cmath>
#include <utility>

#include "diffusion/clip_chunks.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kTransformer = ".transformer.", kLayers = "text_model.encoder.layers.", kProjection = "text_projection.weight";

/// The parts of `clip`'s encoder by their names below it: "text_model.final_layer_norm.bias".
std::vector<std::string> names_below(const Clip& clip, const std::string& encoder) {
  std::vector<std::string> names;
  const auto prefix = encoder + std::string(kTransformer);
  for (const auto& name : clip.weight_names())
    if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
  return names;
}

/// A weight under another name.
NamedTensor renamed(const std::shared_ptr<const Clip>& clip, const std::string& ours, std::string name) {
  return {std::move(name), at::kHalf, clip->weights().raw(ours).sizes().vec(), [clip, ours] { return clip->weights().get(ours); }};
}

/// Queries, keys and values of a layer as one: `first` is the name of its queries' weight or bias.
NamedTensor fused(const std::shared_ptr<const Clip>& clip, const std::string& first, std::string name) {
  std::vector<std::string> parts;
  for (const char letter : {'q', 'k', 'v'}) {
    parts.push_back(first);
    parts.back()[first.rfind("q_proj")] = letter;
  }
  auto shape = clip->weights().raw(first).sizes().vec();
  shape[0] *= static_cast<std::int64_t>(parts.size());
  return {std::move(name), at::kHalf, std::move(shape), [clip, parts] {
            return concat({clip->weights().get(parts[0]), clip->weights().get(parts[1]), clip->weights().get(parts[2])}, 0);
          }};
}

/// OpenCLIP's names of what a layer and the rest of the encoder have.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kLayerParts{{
    {"layer_norm1.", "ln_1."}, {"layer_norm2.", "ln_2."}, {"self_attn.out_proj.", "attn.out_proj."}, {"mlp.fc1.", "mlp.c_fc."}, {"mlp.fc2.", "mlp.c_proj."}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOtherParts{{
    {"text_model.embeddings.token_embedding.weight", "token_embedding.weight"}, {"text_model.embeddings.position_embedding.weight", "positional_embedding"},
    {"text_model.final_layer_norm.weight", "ln_final.weight"}, {"text_model.final_layer_norm.bias", "ln_final.bias"}}};

/// The logarithm of the scale that CLIP was trained with, at its upper bound (Radford et al. 2021, 2.5). Nothing here uses it.
void add_logit_scale(const std::string& prefix, std::vector<NamedTensor>& into) {
  into.push_back({prefix + "logit_scale", at::kFloat, {}, [] { return at::full({}, std::log(100.0), at::kFloat); }});
}

void add_open_clip(const std::shared_ptr<const Clip>& clip, const std::string& encoder, const std::string& prefix, std::vector<NamedTensor>& into) {
  for (const auto& name : names_below(*clip, encoder)) {
    const auto ours = encoder + std::string(kTransformer) + name;
    if (name.starts_with(kLayers)) {
      const auto dot = name.find('.', kLayers.size());
      const auto block = prefix + "transformer.resblocks." + name.substr(kLayers.size(), dot - kLayers.size()) + ".";
      const auto part = name.substr(dot + 1);
      for (const auto& [theirs, open_clip] : kLayerParts)
        if (part.starts_with(theirs)) into.push_back(renamed(clip, ours, block + std::string(open_clip) + part.substr(theirs.size())));
      if (part.starts_with("self_attn.q_proj.")) into.push_back(fused(clip, ours, block + "attn.in_proj_" + part.substr(part.rfind('.') + 1)));
    } else if (name == kProjection) {
      into.push_back({prefix + "text_projection", at::kHalf, clip->weights().raw(ours).t().sizes().vec(), [clip, ours] { return clip->weights().get(ours).t(); }});
    } else {
      for (const auto& [theirs, open_clip] : kOtherParts)
        if (name == theirs) into.push_back(renamed(clip, ours, prefix + std::string(open_clip)));
    }
  }
  add_logit_scale(prefix, into);
}

void add_transformers(const std::shared_ptr<const Clip>& clip, const std::string& encoder, const std::string& prefix, bool projection, std::vector<NamedTensor>& into) {
  for (const auto& name : names_below(*clip, encoder))
    if (projection || name != kProjection) into.push_back(renamed(clip, encoder + std::string(kTransformer) + name, prefix + name));
}

}  // namespace

std::vector<std::string> text_encoders_of(const Clip& clip) {
  switch (clip.family()) {
    case TextFamily::kSd1: return {"clip_l"};
    case TextFamily::kSd2: return {"clip_h"};
    case TextFamily::kSdxl: return {"clip_l", "clip_g"};
    case TextFamily::kSdxlRefiner: return {"clip_g"};
  }
  return {};
}

std::vector<NamedTensor> checkpoint_text_encoders(const std::shared_ptr<const Clip>& clip) {
  std::vector<NamedTensor> tensors;
  switch (clip->family()) {
    case TextFamily::kSd1: add_transformers(clip, "clip_l", "cond_stage_model.transformer.", false, tensors); break;
    case TextFamily::kSd2: add_open_clip(clip, "clip_h", "cond_stage_model.model.", tensors); break;
    case TextFamily::kSdxlRefiner: add_open_clip(clip, "clip_g", "conditioner.embedders.0.model.", tensors); break;
    case TextFamily::kSdxl:
      add_transformers(clip, "clip_l", "conditioner.embedders.0.transformer.", false, tensors);
      tensors.push_back({"conditioner.embedders.0.transformer.text_model.embeddings.position_ids", at::kLong, {1, kChunkTokens}, [] { return at::arange(kChunkTokens, at::kLong).unsqueeze(0); }});
      add_open_clip(clip, "clip_g", "conditioner.embedders.1.model.", tensors);
  }
  return tensors;
}

std::vector<NamedTensor> text_encoder_alone(const std::shared_ptr<const Clip>& clip, const std::string& encoder) {
  std::vector<NamedTensor> tensors;
  add_transformers(clip, encoder, "", true, tensors);
  add_logit_scale("", tensors);
  return tensors;
}

}  // namespace darkroom
