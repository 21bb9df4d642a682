#include "diffusion/gligen.hpp"

#include <ATen/ops/cos.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "base/error.hpp"
#include "tensor/attention.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kFrequencies = 8;
constexpr double kTemperature = 100;
constexpr std::int64_t kMostBlocks = 64;  // of one part of a UNet

at::Tensor vector_of(const Weights& weights, const char* name, const Compute& compute) {
  if (!weights.has(name) || weights.raw(name).dim() != 1) throw InvalidInput("the file holds no GLIGEN model for text boxes: it has no vector " + weights.prefix() + name);
  return weights.get(name).to(compute.device, at::kFloat).clone();
}

/// A corner pair [x1,y1,x2,y2] in 0..1 as sines and cosines: [64], all four sines of a frequency, then its cosines.
at::Tensor waves(const at::Tensor& corners) {
  std::vector<at::Tensor> parts;
  for (std::int64_t i = 0; i < kFrequencies; ++i) {
    const auto scaled = corners * std::pow(kTemperature, static_cast<double>(i) / kFrequencies);
    parts.push_back(scaled.sin());
    parts.push_back(scaled.cos());
  }
  return concat(parts);
}

/// Weights of one block below the file's names for it, in the network's order.
std::vector<Weights> fuser_weights(const Weights& weights) {
  std::vector<Weights> found;
  const auto add = [&](const std::string& block) {
    for (std::int64_t i = 0; i < kMostBlocks; ++i) {
      const auto fuser = block + "1.transformer_blocks." + std::to_string(i) + ".fuser.";
      if (!weights.has_below(fuser)) break;
      found.push_back(weights.below(fuser));
    }
  };
  for (std::int64_t i = 0; i < kMostBlocks; ++i) add("input_blocks." + std::to_string(i) + ".");
  add("middle_block.");
  for (std::int64_t i = 0; i < kMostBlocks; ++i) add("output_blocks." + std::to_string(i) + ".");
  return found;
}

}  // namespace

Gligen::Fuser Gligen::read_fuser(const Weights& weights, const Compute& compute) {
  const auto gate = [&weights](const char* name) {
    const auto alpha = weights.get(name);
    if (alpha.numel() != 1) throw InvalidInput(weights.prefix() + name + " has shape " + shape_text(alpha) + ", one number was expected");
    return std::tanh(alpha.to(at::kDouble).item<double>());
  };
  const double attention_gate = gate("alpha_attn"), dense_gate = gate("alpha_dense");
  const auto gated = [](double by, std::string layer) {
    return [by, layer = std::move(layer)](const std::string& name, const at::Tensor& weight) {
      return name.ends_with(layer + ".weight") || name.ends_with(layer + ".bias") ? weight.to(at::kFloat) * by : weight;
    };
  };
  const auto attention = weights.patched(gated(attention_gate, "attn.to_out.0")).below("attn.");
  Fuser fuser{LayerNorm(weights.below("norm1."), compute), LayerNorm(weights.below("norm2."), compute), Linear(weights.below("linear."), compute), Linear(attention.below("to_q."), compute),
              Linear(attention.below("to_k."), compute), Linear(attention.below("to_v."), compute), Linear(attention.below("to_out.0."), compute),
              GegluFeedForward(weights.patched(gated(dense_gate, "ff.net.2")).below("ff."), compute)};
  const auto width = fuser.objects.out();
  for (const auto* layer : {&fuser.query, &fuser.key, &fuser.value})
    if (layer->in() != width || layer->out() != fuser.out.in()) throw InvalidInput(weights.prefix() + "*: layers of different widths");
  if (fuser.out.out() != width) throw InvalidInput(weights.prefix() + "*: layers of different widths");
  return fuser;
}

Gligen::Gligen(const Weights& weights, const Compute& compute)
    : compute_(compute), null_phrase_(vector_of(weights, "position_net.null_positive_feature", compute)), null_place_(vector_of(weights, "position_net.null_position_feature", compute)),
      position1_(weights.below("position_net.linears.0."), compute), position2_(weights.below("position_net.linears.2."), compute), position3_(weights.below("position_net.linears.4."), compute) {
  if (null_place_.size(0) != 2 * 4 * kFrequencies || position1_.in() != null_phrase_.size(0) + null_place_.size(0) || position2_.in() != position1_.out() || position3_.in() != position2_.out())
    throw InvalidInput("GLIGEN: the layers of position_net are of different widths");
  for (const auto& fuser : fuser_weights(weights)) fusers_.push_back(read_fuser(fuser, compute));
  if (fusers_.empty()) throw InvalidInput("the file holds no GLIGEN model: no transformer block has a fuser");
  for (const auto& fuser : fusers_)
    if (fuser.objects.in() != position3_.out()) throw InvalidInput("GLIGEN: a fuser takes objects of width " + std::to_string(fuser.objects.in()) + ", position_net gives " + std::to_string(position3_.out()));
}

at::Tensor Gligen::objects(const std::vector<GligenBox>& boxes, std::int64_t height, std::int64_t width) const {
  if (boxes.size() > static_cast<std::size_t>(kMaxBoxes)) throw InvalidInput("GLIGEN: " + std::to_string(boxes.size()) + " boxes, " + std::to_string(kMaxBoxes) + " at most");
  std::vector<at::Tensor> rows;
  for (const auto& [phrase, area] : boxes) {
    if (phrase.numel() != phrase_width())
      throw InvalidInput("GLIGEN: a phrase of width " + std::to_string(phrase.numel()) + ", the model takes " + std::to_string(phrase_width()) + ": the text encoder is of another family");
    const auto share = [](std::int64_t at, std::int64_t side) { return static_cast<float>(at) / static_cast<float>(side); };
    const auto corners = at::tensor({share(area.x, width), share(area.y, height), share(area.x + area.width, width), share(area.y + area.height, height)}, at::kFloat);
    rows.push_back(concat({phrase.to(compute_.device, at::kFloat).reshape({-1}), waves(corners).to(compute_.device)}));
  }
  while (rows.size() < static_cast<std::size_t>(kMaxBoxes)) rows.push_back(concat({null_phrase_, null_place_}));
  const auto x = at::stack(rows).unsqueeze(0).to(compute_.dtype);
  return position3_(at::silu(position2_(at::silu(position1_(x)))));
}

at::Tensor Gligen::fused(const at::Tensor& tokens, const at::Tensor& objects, const UNetPlace& place) const {
  if (place.number >= static_cast<std::int64_t>(fusers_.size())) return tokens;
  const auto& fuser = fusers_[static_cast<std::size_t>(place.number)];
  if (fuser.objects.out() != tokens.size(2))
    throw InvalidInput("GLIGEN: a fuser of width " + std::to_string(fuser.objects.out()) + " in a block of width " + std::to_string(tokens.size(2)) + ": it was made for another model");
  const auto seen = fuser.objects(objects).expand({tokens.size(0), -1, -1});
  const auto pixels = fuser.norm1(tokens), both = concat({pixels, fuser.norm1(seen)}, 1);
  const auto looked = tokens.add(fuser.out(attention(fuser.query(pixels), fuser.key(both), fuser.value(both), place.heads)));
  return fuser.feed_forward.plus(fuser.norm2(looked), looked);
}

std::size_t Gligen::bytes() const {
  std::size_t bytes = null_phrase_.nbytes() + null_place_.nbytes() + position1_.bytes() + position2_.bytes() + position3_.bytes();
  for (const auto& fuser : fusers_) {
    bytes += fuser.norm1.bytes() + fuser.norm2.bytes() + fuser.feed_forward.bytes();
    for (const auto* layer : {&fuser.objects, &fuser.query, &fuser.key, &fuser.value, &fuser.out}) bytes += layer->bytes();
  }
  return bytes;
}

}  // namespace darkroom
