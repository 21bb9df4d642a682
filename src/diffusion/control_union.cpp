#include "diffusion/control_union.hpp"

#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>

#include "base/error.hpp"
#include "diffusion/timestep_embedding.hpp"
#include "tensor/attention.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kHeads = 8;
constexpr std::int64_t kWaves = 256;        // numbers that one flag of the vector of kinds becomes
constexpr double kQuickGelu = 1.702;

const Weights& checked(const Weights& weights) {
  if (weights.raw("task_embedding").dim() != 2) throw InvalidInput(weights.prefix() + "task_embedding has shape " + shape_text(weights.raw("task_embedding")));
  if (weights.has_below("transformer_layes.1.")) throw InvalidInput("a union ControlNet of more than one transformer layer, which is not supported");
  return weights;
}

}  // namespace

UnionFuser::UnionFuser(const Weights& weights, const Compute& compute)
    : task_embedding_(checked(weights).get("task_embedding").to(compute.device, compute.dtype).contiguous()),
      norm1_(weights.below("transformer_layes.0.ln_1."), compute), norm2_(weights.below("transformer_layes.0.ln_2."), compute),
      qkv_(weights.below("transformer_layes.0.").get("attn.in_proj_weight"), weights.below("transformer_layes.0.").get("attn.in_proj_bias"), compute),
      out_(weights.below("transformer_layes.0.attn.out_proj."), compute), wide_(weights.below("transformer_layes.0.mlp.c_fc."), compute),
      narrow_(weights.below("transformer_layes.0.mlp.c_proj."), compute), shift_(weights.below("spatial_ch_projs."), compute) {
  const Linear add1(weights.below("control_add_embedding.linear_1."), compute), add2(weights.below("control_add_embedding.linear_2."), compute);
  const auto width = task_embedding_.size(1);
  if (qkv_.in() != width || qkv_.out() != 3 * width || out_.in() != width || out_.out() != width || wide_.in() != width || narrow_.in() != wide_.out() || narrow_.out() != width || shift_.in() != width ||
      shift_.out() != width || add1.in() != kWaves * types() || add2.in() != add1.out() || width % kHeads != 0)
    throw InvalidInput("union ControlNet: layers of different widths");
  for (std::int64_t type = 0; type <= types(); ++type) {
    auto flags = at::zeros({types()}, at::kFloat);
    if (type < types()) flags[type].fill_(1);
    embeddings_.push_back(add2(at::silu(add1(timestep_embedding(flags, kWaves).reshape({1, -1}).to(compute.device, compute.dtype)))));
  }
}

at::Tensor UnionFuser::transformer(at::Tensor tokens) const {
  const auto parts = qkv_(norm1_(tokens)).chunk(3, -1);
  tokens = tokens.add(out_(attention(parts[0].contiguous(), parts[1].contiguous(), parts[2].contiguous(), kHeads)));
  const auto wide = wide_(norm2_(tokens));
  return tokens.add(narrow_(wide.mul(at::sigmoid(wide.mul(kQuickGelu)))));
}

at::Tensor UnionFuser::fused(const at::Tensor& hint, std::int64_t type) const {
  const auto seen = transformer(hint.mean({2, 3}).unsqueeze(1).add(task_embedding_[type]));
  return hint.add(shift_(seen.select(1, 0)).unsqueeze(2).unsqueeze(3));
}

std::size_t UnionFuser::bytes() const {
  std::size_t bytes = task_embedding_.nbytes() + norm1_.bytes() + norm2_.bytes();
  for (const auto* layer : {&qkv_, &out_, &wide_, &narrow_, &shift_}) bytes += layer->bytes();
  return bytes;
}

}  // namespace darkroom
