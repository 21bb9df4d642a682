#include "diffusion/clip_vision_names.hpp"

#include <array>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace darkroom {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array<Pair, 7> kTop{{{"class_embedding", "embeddings.class_embedding"},
                                    {"conv1.weight", "embeddings.patch_embedding.weight"},
                                    {"positional_embedding", "embeddings.position_embedding.weight"},
                                    {"ln_pre.weight", "pre_layrnorm.weight"},
                                    {"ln_pre.bias", "pre_layrnorm.bias"},
                                    {"ln_post.weight", "post_layernorm.weight"},
                                    {"ln_post.bias", "post_layernorm.bias"}}};
constexpr std::array<Pair, 5> kLayer{
    {{"ln_1.", "layer_norm1."}, {"ln_2.", "layer_norm2."}, {"attn.out_proj.", "self_attn.out_proj."}, {"mlp.c_fc.", "mlp.fc1."}, {"mlp.c_proj.", "mlp.fc2."}}};
const std::string kModel = "vision_model.";

/// A layer's tensor by its OpenCLIP name without the layer's; the three projections of attention lie one below the other in it.
void add_layer_tensor(const std::string& layer, std::string_view name, const at::Tensor& tensor, StateDict& into) {
  for (const auto& [theirs, ours] : kLayer)
    if (name.starts_with(theirs)) into.emplace(layer + std::string(ours) + std::string(name.substr(theirs.size())), tensor);
  const bool weight = name == "attn.in_proj_weight";
  if (!weight && name != "attn.in_proj_bias") return;
  if (tensor.dim() == 0 || tensor.size(0) % 3 != 0) throw InvalidInput("the vision encoder's " + std::string(name) + " does not hold three projections");
  const auto parts = tensor.chunk(3, 0);
  for (std::size_t i = 0; i < parts.size(); ++i) into.emplace(layer + "self_attn." + std::string(1, "qkv"[i]) + (weight ? "_proj.weight" : "_proj.bias"), parts[i]);
}

StateDict from_open_clip(const StateDict& file, const std::string& prefix) {
  constexpr std::string_view kBlocks = "transformer.resblocks.";
  StateDict tensors;
  each_below(file, prefix, [&](std::string_view name, const at::Tensor& tensor) {
    for (const auto& [theirs, ours] : kTop)
      if (name == theirs) tensors.emplace(kModel + std::string(ours), tensor);
    if (name == "proj" && tensor.dim() == 2) tensors.emplace("visual_projection.weight", tensor.t());
    const auto dot = name.find('.', kBlocks.size());
    if (!name.starts_with(kBlocks) || dot == name.npos) return;
    const auto layer = kModel + "encoder.layers." + std::string(name.substr(kBlocks.size(), dot - kBlocks.size())) + ".";
    add_layer_tensor(layer, name.substr(dot + 1), tensor, tensors);
  });
  return tensors;
}

}  // namespace

std::optional<StateDict> find_clip_vision(const StateDict& file) {
  for (const char* prefix : {"", "embedder.model.", "embedder.", "image_encoder."})
    if (file.contains(prefix + kModel + "embeddings.patch_embedding.weight")) {
      StateDict tensors;
      const std::string top(prefix);
      each_below(file, top + kModel, [&](const std::string& name, const at::Tensor& tensor) { tensors.emplace(kModel + name, tensor); });
      if (const auto projection = file.find(top + "visual_projection.weight"); projection != file.end()) tensors.emplace("visual_projection.weight", projection->second);
      return tensors;
    }
  for (const char* prefix : {"visual.", "embedder.model.visual.", "model.visual."})
    if (file.contains(std::string(prefix) + "transformer.resblocks.0.ln_1.weight")) return from_open_clip(file, prefix);
  return std::nullopt;
}

}  // namespace darkroom
