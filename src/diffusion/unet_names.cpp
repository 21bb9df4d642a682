#include "diffusion/unet_names.hpp"

#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace darkroom {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array kResidual = {Pair{"norm1.", "in_layers.0."},  Pair{"conv1.", "in_layers.2."},  Pair{"time_emb_proj.", "emb_layers.1."},
                                  Pair{"norm2.", "out_layers.0."}, Pair{"conv2.", "out_layers.3."}, Pair{"conv_shortcut.", "skip_connection."}};
constexpr std::array kFixed = {Pair{"conv_in.", "input_blocks.0.0."},
                               Pair{"time_embedding.linear_1.", "time_embed.0."},
                               Pair{"time_embedding.linear_2.", "time_embed.2."},
                               Pair{"add_embedding.linear_1.", "label_emb.0.0."},
                               Pair{"add_embedding.linear_2.", "label_emb.0.2."},
                               Pair{"class_embedding.linear_1.", "label_emb.0.0."},
                               Pair{"class_embedding.linear_2.", "label_emb.0.2."},
                               Pair{"conv_norm_out.", "out.0."},
                               Pair{"conv_out.", "out.2."},
                               Pair{"mid_block.resnets.0.", "middle_block.0."},
                               Pair{"mid_block.attentions.0.", "middle_block.1."},
                               Pair{"mid_block.resnets.1.", "middle_block.2."},
                               Pair{"controlnet_mid_block.", "middle_block_out.0."},
                               Pair{"controlnet_cond_embedding.conv_in.", "input_hint_block.0."},
                               Pair{"controlnet_cond_embedding.conv_out.", "input_hint_block.14."}};

/// Takes `prefix` off the front of `text`; false when it does not begin so.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes "12." off the front.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end == text.data() + text.size() || *end != '.' || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return value;
}

/// Where the blocks of one side lie in ldm's single list: the number of a level's first residual block.
struct Levels {
  std::vector<std::int64_t> first, residuals;

  Levels(const StateDict& tensors, const std::string& side, const std::string& sampler, std::int64_t number, bool sampler_counts) {
    for (std::int64_t level = 0; has_below(tensors, side + "." + std::to_string(level) + "."); ++level) {
      const auto prefix = side + "." + std::to_string(level) + ".";
      std::int64_t count = 0;
      while (has_below(tensors, prefix + "resnets." + std::to_string(count) + ".")) ++count;
      first.push_back(number);
      residuals.push_back(count);
      number += count;
      if (sampler_counts && has_below(tensors, prefix + sampler)) ++number;
    }
  }
};

std::string residual_rest(std::string_view rest) {
  for (const auto& [from, to] : kResidual)
    if (take(rest, from)) return std::string(to) + std::string(rest);
  return std::string(rest);
}

/// A name below down_blocks or up_blocks. `block`: "input_blocks." or "output_blocks.".
std::optional<std::string> level_name(std::string_view name, const Levels& levels, const std::string& block, const StateDict& tensors, bool up) {
  const auto level = take_number(name);
  if (!level || static_cast<std::size_t>(*level) >= levels.first.size()) return std::nullopt;
  const auto first = levels.first[static_cast<std::size_t>(*level)], residuals = levels.residuals[static_cast<std::size_t>(*level)];
  if (take(name, "resnets.")) {
    const auto i = take_number(name);
    return i ? std::optional(block + std::to_string(first + *i) + ".0." + residual_rest(name)) : std::nullopt;
  }
  if (take(name, "attentions.")) {
    const auto i = take_number(name);
    return i ? std::optional(block + std::to_string(first + *i) + ".1." + std::string(name)) : std::nullopt;
  }
  if (!up && take(name, "downsamplers.0.conv.")) return block + std::to_string(first + residuals) + ".0.op." + std::string(name);
  if (up && take(name, "upsamplers.0.conv.")) {
    const bool attends = has_below(tensors, "up_blocks." + std::to_string(*level) + ".attentions.");
    return block + std::to_string(first + residuals - 1) + (attends ? ".2.conv." : ".1.conv.") + std::string(name);
  }
  return std::nullopt;
}

}  // namespace

bool has_diffusers_names(const StateDict& tensors) { return has_below(tensors, "down_blocks.0.resnets.0.") && tensors.contains("conv_in.weight"); }

StateDict ldm_names(const StateDict& diffusers) {
  const Levels down(diffusers, "down_blocks", "downsamplers.", 1, true), up(diffusers, "up_blocks", "upsamplers.", 0, false);
  const auto rename = [&](const std::string& name) -> std::string {
    std::string_view rest = name;
    if (take(rest, "down_blocks.")) return level_name(rest, down, "input_blocks.", diffusers, false).value_or(name);
    if (take(rest, "up_blocks.")) return level_name(rest, up, "output_blocks.", diffusers, true).value_or(name);
    if (take(rest, "controlnet_cond_embedding.blocks.")) {
      const auto i = take_number(rest);
      return i ? "input_hint_block." + std::to_string(2 * *i + 2) + "." + std::string(rest) : name;
    }
    if (take(rest, "controlnet_down_blocks.")) {
      const auto i = take_number(rest);
      return i ? "zero_convs." + std::to_string(*i) + ".0." + std::string(rest) : name;
    }
    for (const auto& [from, to] : kFixed) {
      if (!take(rest, from)) continue;
      const bool residual = from.starts_with("mid_block.resnets.");
      return std::string(to) + (residual ? residual_rest(rest) : std::string(rest));
    }
    return name;
  };
  StateDict renamed;
  for (const auto& [name, tensor] : diffusers) renamed.emplace(rename(name), tensor);
  return renamed;
}

}  // namespace darkroom
