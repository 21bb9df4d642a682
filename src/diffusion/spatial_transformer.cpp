#include "diffusion/spatial_transformer.hpp"

#include "base/error.hpp"
#include "tensor/attention.hpp"
#include "tensor/convolution.hpp"

namespace darkroom {
namespace {

/// The first patch's answer that is one; otherwise plain attention.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::vector<UNetPatches::Attention>* replacements, const UNetPlace& place) {
  if (replacements)
    for (const auto& replace : *replacements)
      if (auto out = replace(q, k, v, place); out.defined()) return out;
  return attention(q, k, v, place.heads);
}

/// tokens + out(heads), through the patches of the output where there are any.
at::Tensor add_output(const Linear& out, const at::Tensor& heads, at::Tensor tokens, const std::vector<UNetPatches::OnTokens>* patches, const UNetPlace& place) {
  if (!patches || patches->empty()) return out.plus(heads, std::move(tokens));
  auto change = out(heads);
  for (const auto& patch : *patches) change = patch(change, place);
  return tokens.add_(change);
}

}  // namespace

TransformerBlock::TransformerBlock(const Weights& weights, const Compute& compute)
    : norm1_(weights.below("norm1."), compute), norm2_(weights.below("norm2."), compute), norm3_(weights.below("norm3."), compute),
      q1_(weights.below("attn1.to_q."), compute), k1_(weights.below("attn1.to_k."), compute), v1_(weights.below("attn1.to_v."), compute), out1_(weights.below("attn1.to_out.0."), compute),
      q2_(weights.below("attn2.to_q."), compute), k2_(weights.below("attn2.to_k."), compute), v2_(weights.below("attn2.to_v."), compute), out2_(weights.below("attn2.to_out.0."), compute),
      feed_forward_(weights.below("ff."), compute) {
  const auto width = q1_.in();
  for (const auto* layer : {&k1_, &v1_, &q2_})
    if (layer->in() != width) throw InvalidInput(weights.prefix() + "*: layers of different widths");
  if (k2_.in() != v2_.in() || k2_.out() != q2_.out() || k1_.out() != q1_.out() || v1_.out() != q1_.out() || out1_.out() != width || out2_.out() != width)
    throw InvalidInput(weights.prefix() + "*: layers of different widths");
}

at::Tensor TransformerBlock::self_attention(at::Tensor tokens, const UNetPatches* patches, const UNetPlace& place) const {
  AttentionSources from;
  from.queries = from.keys = from.values = norm1_(tokens);
  if (patches)
    for (const auto& patch : patches->attn1_input) patch(from, place);
  const auto heads = attend(q1_(from.queries), k1_(from.keys), v1_(from.values), patches ? &patches->attn1_replace : nullptr, place);
  from = {};
  return add_output(out1_, heads, std::move(tokens), patches ? &patches->attn1_output : nullptr, place);
}

at::Tensor TransformerBlock::text_attention(at::Tensor tokens, const at::Tensor& context, const TextKeys& keys, const UNetPatches* patches, const UNetPlace& place) const {
  auto queries = norm2_(tokens);
  at::Tensor heads;
  if (!patches || patches->attn2_input.empty()) {
    heads = attend(q2_(queries), keys.first, keys.second, patches ? &patches->attn2_replace : nullptr, place);
  } else {
    AttentionSources from{queries, context, context};
    for (const auto& patch : patches->attn2_input) patch(from, place);
    heads = attend(q2_(from.queries), k2_(from.keys), v2_(from.values), &patches->attn2_replace, place);
  }
  return add_output(out2_, heads, std::move(tokens), patches ? &patches->attn2_output : nullptr, place);
}

at::Tensor TransformerBlock::operator()(at::Tensor tokens, const at::Tensor& context, const TextKeys& keys, const UNetPatches* patches, const UNetPlace& place) const {
  tokens = self_attention(std::move(tokens), patches, place);
  if (patches)
    for (const auto& patch : patches->between_attentions) tokens = patch(tokens, place);
  tokens = text_attention(std::move(tokens), context, keys, patches, place);
  const auto normed = norm3_(tokens);
  return feed_forward_.plus(normed, std::move(tokens));
}

TextKeys TransformerBlock::keys_of(const at::Tensor& context) const { return {k2_(context), v2_(context)}; }

std::size_t TransformerBlock::bytes() const {
  std::size_t bytes = norm1_.bytes() + norm2_.bytes() + norm3_.bytes() + feed_forward_.bytes();
  for (const auto* layer : {&q1_, &k1_, &v1_, &out1_, &q2_, &k2_, &v2_, &out2_}) bytes += layer->bytes();
  return bytes;
}

SpatialTransformer::SpatialTransformer(const Weights& weights, const Compute& compute)
    : norm_(weights.below("norm."), compute, 1e-6), proj_in_(weights.below("proj_in."), compute), proj_out_(weights.below("proj_out."), compute) {
  for (std::int64_t i = 0; weights.has_below("transformer_blocks." + std::to_string(i) + "."); ++i)
    blocks_.emplace_back(weights.below("transformer_blocks." + std::to_string(i) + "."), compute);
  for (const auto& block : blocks_)
    if (block.width() != proj_in_.out() || block.context_width() != blocks_[0].context_width()) throw InvalidInput(weights.prefix() + "*: blocks of different widths");
  if (norm_.channels() != proj_in_.in() || proj_out_.out() != proj_in_.in() || proj_out_.in() != proj_in_.out()) throw InvalidInput(weights.prefix() + "*: projections of different widths");
}

at::Tensor SpatialTransformer::operator()(const at::Tensor& x, const at::Tensor& context, const TextKeys* keys, const UNetPatches* patches, UNetPlace place) const {
  place.height = x.size(2), place.width = x.size(3);
  auto tokens = proj_in_(tokens_of(norm_(x)));
  for (const auto& block : blocks_) {
    tokens = block(std::move(tokens), context, *keys++, patches, place);
    ++place.transformer, ++place.number;
  }
  return image_of(proj_out_.plus(tokens, tokens_of(x)), x.size(2), x.size(3));
}

std::size_t SpatialTransformer::bytes() const {
  auto bytes = norm_.bytes() + proj_in_.bytes() + proj_out_.bytes();
  for (const auto& block : blocks_) bytes += block.bytes();
  return bytes;
}

}  // namespace darkroom
