#include "diffusion/style_model.hpp"

#include <ATen/ops/sigmoid.h>

#include <string>

#include "base/error.hpp"
#include "tensor/attention.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kHeads = 8;
constexpr double kQuickGelu = 1.702;

at::Tensor learnt_tokens(const Weights& weights, const Compute& compute) {
  if (!weights.has("style_embedding")) throw InvalidInput("the file holds no style model: it has no style_embedding");
  const auto& tokens = weights.raw("style_embedding");
  if (tokens.dim() != 3 || tokens.size(0) != 1 || tokens.size(2) % kHeads != 0) throw InvalidInput("the style model has a style_embedding of shape " + shape_text(tokens));
  return weights.get("style_embedding").to(compute.device, compute.dtype).clone();
}

at::Tensor projection(const Weights& weights) {
  const auto matrix = weights.get("proj");
  if (matrix.dim() != 2) throw InvalidInput("the style model has a proj of shape " + shape_text(matrix));
  return matrix.t();
}

}  // namespace

StyleModel::StyleModel(const Weights& weights, const Compute& compute)
    : compute_(compute), tokens_(learnt_tokens(weights, compute)), norm_pre_(weights.below("ln_pre."), compute), norm_post_(weights.below("ln_post."), compute),
      projection_(projection(weights), {}, compute) {
  for (std::int64_t i = 0; weights.has_below("transformer_layes." + std::to_string(i) + "."); ++i) {
    const auto layer = weights.below("transformer_layes." + std::to_string(i) + ".");
    layers_.push_back({LayerNorm(layer.below("ln_1."), compute), LayerNorm(layer.below("ln_2."), compute), Linear(layer.get("attn.in_proj_weight"), layer.get("attn.in_proj_bias"), compute),
                       Linear(layer.below("attn.out_proj."), compute), Linear(layer.below("mlp.c_fc."), compute), Linear(layer.below("mlp.c_proj."), compute)});
    const auto& last = layers_.back();
    if (last.qkv.in() != width() || last.qkv.out() != 3 * width() || last.out.in() != width() || last.out.out() != width() || last.wide.in() != width() || last.narrow.in() != last.wide.out() ||
        last.narrow.out() != width())
      throw InvalidInput("the style model's " + layer.prefix() + "* are layers of different widths");
  }
  if (layers_.empty() || projection_.in() != width()) throw InvalidInput("the style model is incomplete or of different widths");
}

at::Tensor StyleModel::operator()(const at::Tensor& states) const {
  if (states.dim() != 3 || states.size(2) != width())
    throw InvalidInput("the style model takes states of width " + std::to_string(width()) + ", the vision encoder gives " + shape_text(states) + ": it is another one");
  auto x = norm_pre_(concat({states.to(compute_.device, compute_.dtype), tokens_.expand({states.size(0), -1, -1})}, 1));
  for (const auto& layer : layers_) {
    const auto parts = layer.qkv(layer.norm1(x)).chunk(3, -1);
    x = layer.out.plus(attention(parts[0].contiguous(), parts[1].contiguous(), parts[2].contiguous(), kHeads), std::move(x));
    const auto wide = layer.wide(layer.norm2(x));
    x = layer.narrow.plus(wide.mul(at::sigmoid(wide.mul(kQuickGelu))), std::move(x));
  }
  return projection_(norm_post_(x.narrow(1, states.size(1), tokens_.size(1)).contiguous())).to(at::kCPU, at::kFloat);
}

std::size_t StyleModel::bytes() const {
  std::size_t bytes = tokens_.nbytes() + norm_pre_.bytes() + norm_post_.bytes() + projection_.bytes();
  for (const auto& layer : layers_)
    bytes += layer.norm1.bytes() + layer.norm2.bytes() + layer.qkv.bytes() + layer.out.bytes() + layer.wide.bytes() + layer.narrow.bytes();
  return bytes;
}

}  // namespace darkroom
