#include "diffusion/unet_config.hpp"

#include <ATen/ops/std.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

std::string number(std::int64_t i) { return std::to_string(i); }

/// A tensor of `dims` dimensions that must be there.
const at::Tensor& need(const Weights& weights, const std::string& name, std::int64_t dims) {
  if (!weights.has(name)) throw InvalidInput("the UNet is incomplete: it has no tensor " + weights.prefix() + name + " (a truncated file, or an unknown kind of model)");
  const auto& tensor = weights.raw(name);
  if (tensor.dim() != dims) throw InvalidInput(weights.prefix() + name + " has shape " + shape_text(tensor) + ", " + number(dims) + " dimensions were expected");
  return tensor;
}

/// Width of the residual block below `weights`, all of whose layers must be there.
std::int64_t residual_width(const Weights& weights) {
  need(weights, "in_layers.0.weight", 1);
  need(weights, "in_layers.2.weight", 4);
  need(weights, "emb_layers.1.weight", 2);
  need(weights, "out_layers.0.weight", 1);
  return need(weights, "out_layers.3.weight", 4).size(0);
}

std::int64_t depth_of(const Weights& transformer) {
  std::int64_t depth = 0;
  while (transformer.has_below("transformer_blocks." + number(depth) + ".")) ++depth;
  if (depth > 0 || transformer.has_below("proj_in.")) need(transformer, "norm.weight", 1);
  return depth;
}

/// Reads the input blocks: levels, widths, depths. `n` blocks in all.
std::int64_t read_input(const Weights& weights, UNetConfig& config) {
  config.level_channels.push_back(config.model_channels);
  config.residual_blocks.push_back(0);
  std::int64_t n = 1;
  for (; weights.has_below("input_blocks." + number(n) + "."); ++n) {
    const auto block = weights.below("input_blocks." + number(n) + ".");
    if (block.has_below("0.op.")) {
      need(block, "0.op.weight", 4);
      config.level_channels.push_back(config.level_channels.back());
      config.residual_blocks.push_back(0);
      continue;
    }
    config.level_channels.back() = residual_width(block.below("0."));
    ++config.residual_blocks.back();
    config.transformer_depth.push_back(depth_of(block.below("1.")));
  }
  if (n == 1) throw InvalidInput("the UNet is incomplete: it has no " + weights.prefix() + "input_blocks.1");
  return n;
}

void read_output(const Weights& weights, UNetConfig& config, std::int64_t blocks) {
  for (std::int64_t n = 0; n < blocks; ++n) {
    const auto block = weights.below("output_blocks." + number(n) + ".");
    residual_width(block.below("0."));
    config.transformer_depth_output.push_back(depth_of(block.below("1.")));
  }
  if (weights.has_below("output_blocks." + number(blocks) + "."))
    throw InvalidInput("an unknown kind of UNet: it has " + number(blocks) + " input blocks and more output blocks");
  need(weights, "out.0.weight", 1);
  config.out_channels = need(weights, "out.2.weight", 4).size(0);
}

/// The width of the text that the first transformer block looks at; 0 without any.
std::int64_t context_width(const Weights& weights, std::int64_t blocks) {
  for (std::int64_t n = 1; n < blocks; ++n) {
    const auto transformer = weights.below("input_blocks." + number(n) + ".1.");
    if (transformer.has_below("transformer_blocks.0.")) return need(transformer, "transformer_blocks.0.attn2.to_k.weight", 2).size(1);
  }
  if (weights.has_below("middle_block.1.transformer_blocks.0.")) return need(weights, "middle_block.1.transformer_blocks.0.attn2.to_k.weight", 2).size(1);
  return 0;
}

/// Convolutions or linear layers around the transformer blocks? Only the number of dimensions differs.
bool projects_linearly(const Weights& weights, std::int64_t blocks) {
  for (std::int64_t n = 1; n < blocks; ++n) {
    const auto name = "input_blocks." + number(n) + ".1.proj_in.weight";
    if (weights.has(name)) return weights.raw(name).dim() == 2;
  }
  return weights.has("middle_block.1.proj_in.weight") && weights.raw("middle_block.1.proj_in.weight").dim() == 2;
}

Family family_of(const UNetConfig& config) {
  // Narrower texts are those of small models of SD1.x's shape.
  if (config.context_dim > 0 && config.context_dim <= 768 && config.adm_channels == 0) return Family::kSD15;
  if (config.context_dim == 1024) return Family::kSD2;
  if (config.context_dim == 2048 && config.adm_channels == 2816) return Family::kSDXL;
  if (config.context_dim == 1280 && config.adm_channels == 2560) return Family::kSDXLRefiner;
  throw InvalidInput("a UNet of an unknown family: it reads texts of width " + number(config.context_dim) + " and a vector of width " + number(config.adm_channels) +
                     " (known: SD1.x 768 or less and 0, SD2.x 1024, SDXL 2048 and 2816, its refiner 1280 and 2560)");
}

/// SD2.x files do not say whether they predict v; their last block tells them apart (see tests/data/golden/README.md).
bool looks_like_v(const Weights& weights, const UNetConfig& config) {
  constexpr const char* kBias = "output_blocks.11.1.transformer_blocks.0.norm1.bias";
  constexpr double kSpread = 0.09;
  if (config.in_channels != 4 || !weights.has(kBias)) return false;
  const auto bias = weights.get(kBias);
  return bias.device().is_cpu() && bias.numel() > 0 && at::std(bias.to(at::kFloat), false).item<double>() > kSpread;
}

/// What UNets and ControlNets have in common. Gives the number of input blocks.
std::int64_t read_input_half(const Weights& weights, UNetConfig& config) {
  const auto& entry = need(weights, "input_blocks.0.0.weight", 4);
  config.model_channels = entry.size(0), config.in_channels = entry.size(1);
  if (const auto& time = need(weights, "time_embed.0.weight", 2); time.size(1) != config.model_channels)
    throw InvalidInput(weights.prefix() + "time_embed.0.weight has shape " + shape_text(time) + ", which does not fit " + number(config.model_channels) + " channels");
  if (weights.has_below("input_blocks.1.0.time_stack.")) throw InvalidInput("a UNet for video, which is not supported");
  if (weights.has("label_emb.weight")) throw InvalidInput("a UNet with a table of classes (an upscaler of latents), which is not supported");
  if (weights.has_below("label_emb.")) config.adm_channels = need(weights, "label_emb.0.0.weight", 2).size(1);
  const auto blocks = read_input(weights, config);
  if (weights.has_below("middle_block.")) residual_width(weights.below("middle_block.0."));  // KOALA has none
  config.transformer_depth_middle = depth_of(weights.below("middle_block.1."));
  config.context_dim = context_width(weights, blocks);
  config.linear_projection = projects_linearly(weights, blocks);
  config.family = family_of(config);
  config.head_channels = config.family == Family::kSD15 ? 0 : 64;
  return blocks;
}

}  // namespace

std::optional<UNetConfig> detect_unet(const Weights& weights) {
  if (!weights.has_below("input_blocks.0.0.")) return std::nullopt;
  UNetConfig config;
  const auto blocks = read_input_half(weights, config);
  read_output(weights, config, blocks);
  const auto flag = [&weights](const std::string& name) { return weights.tensors().contains(name) || weights.has(name); };
  if (config.family == Family::kSD2 && looks_like_v(weights, config)) config.prediction = Prediction::kV;
  if (config.family == Family::kSDXL && flag("v_pred")) config.prediction = Prediction::kV, config.zero_terminal_snr = flag("ztsnr");
  return config;
}

std::optional<UNetConfig> detect_controlnet(const Weights& weights) {
  if (!weights.has_below("input_blocks.0.0.")) return std::nullopt;
  UNetConfig config;
  const auto blocks = read_input_half(weights, config);
  need(weights, "zero_convs." + number(blocks - 1) + ".0.weight", 4);
  need(weights, "middle_block.0.in_layers.0.weight", 1);
  need(weights, "middle_block_out.0.weight", 4);
  return config;
}

}  // namespace darkroom
