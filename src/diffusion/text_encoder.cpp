#include "diffusion/text_encoder.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "diffusion/bpe.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kTokens = kChunkTokens, kHeadWidth = 64;
constexpr double kNormEps = 1e-5;
constexpr double kQuickGelu = 1.702;
/// Chunks that go through a layer together: bounds what a very long prompt takes beside its own states.
constexpr std::int64_t kChunksAtOnce = 16;

/// Weights as the reference holds them: rounded to float16, computed with in float32.
class LayerWeights {
 public:
  LayerWeights(Weights weights, at::Device device) : weights_(std::move(weights)), device_(device) {}
  at::Tensor operator()(std::string_view name) const { return weights_.get(name).to(at::kHalf).to(device_).to(at::kFloat).contiguous(); }
  /// Only the rows of a table that are needed.
  at::Tensor rows(std::string_view name, const at::Tensor& index) const {
    return weights_.get(name).index_select(0, index).to(at::kHalf).to(device_).to(at::kFloat);
  }
  LayerWeights below(std::string_view prefix) const { return {weights_.below(prefix), device_}; }

 private:
  Weights weights_;
  at::Device device_;
};

/// `x W^T + b`.
struct Affine {
  at::Tensor weight, bias;
  Affine(const LayerWeights& weights, const std::string& name) : weight(weights(name + ".weight")), bias(weights(name + ".bias")) {}
  at::Tensor linear(const at::Tensor& x) const { return at::linear(x, weight, bias); }
  at::Tensor norm(const at::Tensor& x) const { return at::layer_norm(x, {x.size(-1)}, weight, bias, kNormEps); }
};

class Layer {
 public:
  Layer(const LayerWeights& weights, bool quick_gelu)
      : norm1_(weights, "layer_norm1"), norm2_(weights, "layer_norm2"), query_(weights, "self_attn.q_proj"), key_(weights, "self_attn.k_proj"),
        value_(weights, "self_attn.v_proj"), out_(weights, "self_attn.out_proj"), wide_(weights, "mlp.fc1"), narrow_(weights, "mlp.fc2"),
        quick_gelu_(quick_gelu) {}

  /// x [N,77,D], changed in place.
  void run(at::Tensor x) const {
    x.add_(attention(norm1_.norm(x)));
    x.add_(narrow_.linear(activated(wide_.linear(norm2_.norm(x)))));
  }

 private:
  at::Tensor attention(const at::Tensor& x) const {
    const auto heads = [&](const Affine& projection) {
      return projection.linear(x).view({x.size(0), x.size(1), -1, kHeadWidth}).transpose(1, 2);
    };
    const auto mixed = at::scaled_dot_product_attention(heads(query_), heads(key_), heads(value_), std::nullopt, 0.0, /*is_causal=*/true);
    return out_.linear(mixed.transpose(1, 2).reshape(x.sizes()));
  }
  at::Tensor activated(const at::Tensor& x) const { return quick_gelu_ ? x * (x * kQuickGelu).sigmoid() : at::gelu(x); }

  Affine norm1_, norm2_, query_, key_, value_, out_, wide_, narrow_;
  bool quick_gelu_;
};

/// What a chunk gives the transformer: ids, and vectors in the place of some.
struct Placed {
  std::vector<std::int64_t> ids;  ///< of all chunks, one after another; where a vector stands, any id but the end mark's
  std::vector<std::pair<std::int64_t, at::Tensor>> vectors;
};

Placed placed(const std::vector<Chunk>& chunks, std::int64_t width, int padding) {
  Placed result;
  for (const auto& chunk : chunks) {
    const auto end = result.ids.size() + kChunkTokens;
    for (const auto& token : chunk) {
      if (!token.vector.defined()) {
        result.ids.push_back(token.id);
      } else if (token.vector.size(0) == width) {
        result.vectors.emplace_back(static_cast<std::int64_t>(result.ids.size()), token.vector);
        result.ids.push_back(Bpe::kStart);
      } else {
        log::warn("an embedding's vector has width {}, the text encoder takes {}: it is left out of the prompt", token.vector.size(0), width);
      }
    }
    result.ids.resize(end, padding);
  }
  return result;
}

/// float32 [N,77,D] with positions added.
at::Tensor embedded(const LayerWeights& weights, const Placed& tokens, at::Device device) {
  const auto count = static_cast<std::int64_t>(tokens.ids.size());
  const auto ids = at::from_blob(const_cast<std::int64_t*>(tokens.ids.data()), {count}, at::kLong);
  const auto x = weights.rows("embeddings.token_embedding.weight", ids);
  for (const auto& [row, vector] : tokens.vectors) x[row].copy_(vector.to(device));
  const auto positions = weights("embeddings.position_embedding.weight").narrow(0, 0, kTokens);
  return x.view({count / kTokens, kTokens, x.size(1)}).add_(positions);
}

}  // namespace

std::int64_t count_text_layers(const Weights& weights) {
  std::int64_t count = 0;
  while (weights.has_below("text_model.encoder.layers." + std::to_string(count) + ".")) ++count;
  return count;
}

EncodedText encode_text(const Weights& weights, const TextEncoderRules& rules, const std::vector<Chunk>& chunks, const TextLayer& layer,
                        at::Device device, const std::function<void()>& check) {
  const LayerWeights model(weights.below("text_model."), device);
  const auto tokens = placed(chunks, weights.raw("text_model.embeddings.token_embedding.weight").size(1), rules.padding);
  const auto x = embedded(model, tokens, device);
  const auto layers = layer.pooled ? count_text_layers(weights) : layer.index + 1;

  EncodedText result;
  for (std::int64_t i = 0; i < layers; ++i) {
    const Layer one(model.below("encoder.layers." + std::to_string(i) + "."), rules.quick_gelu);
    for (std::int64_t first = 0; first < x.size(0); first += kChunksAtOnce) {
      if (check) check();
      one.run(x.narrow(0, first, std::min(kChunksAtOnce, x.size(0) - first)));
    }
    if (i == layer.index) result.hidden = i + 1 == layers ? x : x.clone();
  }
  const Affine final_norm(model, "final_layer_norm");
  if (layer.pooled) {
    const auto end = std::ranges::find(tokens.ids, Bpe::kEnd) - tokens.ids.begin();
    result.pooled = final_norm.norm(x[0][std::min<std::int64_t>(end, kTokens - 1)].unsqueeze(0));
    const LayerWeights top(weights, device);
    if (layer.projected && weights.has("text_projection.weight")) result.pooled = at::linear(result.pooled, top("text_projection.weight"));
    result.pooled = result.pooled.cpu();
  }
  if (layer.normed) result.hidden = final_norm.norm(result.hidden);
  result.hidden = result.hidden.cpu();
  return result;
}

}  // namespace darkroom
