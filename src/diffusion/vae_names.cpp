#include "diffusion/vae_names.hpp"

#include <array>
#include <utility>

namespace darkroom {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// diffusers' names of parts; those of its older files last. Each holds its dots, so that only whole parts match.
constexpr std::array kParts{
    Pair{".conv_shortcut.", ".nin_shortcut."},
    Pair{".conv_norm_out.", ".norm_out."},
    Pair{".mid_block.resnets.0.", ".mid.block_1."},
    Pair{".mid_block.resnets.1.", ".mid.block_2."},
    Pair{".mid_block.attentions.0.", ".mid.attn_1."},
    Pair{".downsamplers.0.", ".downsample."},
    Pair{".upsamplers.0.", ".upsample."},
    Pair{".resnets.", ".block."},
    Pair{".group_norm.", ".norm."},
    Pair{".to_q.", ".q."},
    Pair{".to_k.", ".k."},
    Pair{".to_v.", ".v."},
    Pair{".to_out.0.", ".proj_out."},
    Pair{".query.", ".q."},
    Pair{".key.", ".k."},
    Pair{".value.", ".v."},
    Pair{".proj_attn.", ".proj_out."},
};

bool replace(std::string& name, std::string_view from, std::string_view to) {
  const auto at = name.find(from);
  if (at == std::string::npos) return false;
  name.replace(at, from.size(), to);
  return true;
}

bool is_kl(const Weights& weights) {
  for (const char* side : {"decoder.", "encoder."}) {
    const auto part = weights.below(side);
    if (part.has("conv_in.weight") && part.raw("conv_in.weight").dim() == 4 && (part.has_below("mid.") || part.has_below("mid_block."))) return true;
  }
  return false;
}

bool is_diffusers(const Weights& weights) { return weights.has_below("decoder.mid_block.") || weights.has_below("encoder.mid_block."); }

int count_levels(const Weights& weights) {
  int count = 0;
  while (weights.has_below("decoder.up_blocks." + std::to_string(count) + ".")) ++count;
  return count;
}

Weights renamed(const Weights& weights) {
  auto tensors = std::make_shared<StateDict>();
  const int levels = count_levels(weights);
  weights.each([&](const std::string& name, const at::Tensor& tensor) { tensors->emplace(vae_name_from_diffusers(name, levels), tensor); });
  return Weights(std::move(tensors));
}

}  // namespace

std::string vae_name_from_diffusers(std::string_view original, int levels) {
  std::string name(original);
  for (const auto& [from, to] : kParts) replace(name, from, to);
  replace(name, ".down_blocks.", ".down.");
  constexpr std::string_view kUp = ".up_blocks.";
  if (const auto at = name.find(kUp); at != std::string::npos) {
    const auto digit = at + kUp.size(), end = name.find('.', digit);
    if (end == digit + 1 && name[digit] >= '0' && name[digit] < '0' + levels)
      name.replace(at, end - at, ".up." + std::to_string(levels - 1 - (name[digit] - '0')));
  }
  return name;
}

std::optional<Weights> find_kl_vae(const Weights& file) {
  for (const char* prefix : {"first_stage_model.", "vae.", ""}) {
    const auto weights = file.below(prefix);
    if (is_kl(weights)) return is_diffusers(weights) ? renamed(weights) : weights;
  }
  return std::nullopt;
}

}  // namespace darkroom
