#include "restore/ddcolor/color_decoder.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>

#include "restore/folding.hpp"
#include "tensor/attention.hpp"

namespace darkroom {
namespace {

Compute in_float32(Compute compute) {
  compute.dtype = at::kFloat;
  return compute;
}

/// Rows [first, last) of a multi-head attention's common projection: query, key, value, each as many as there are channels.
Linear part_of(const Weights& attention, std::int64_t first, std::int64_t last, const Compute& compute) {
  const auto weight = attention.get("in_proj_weight"), bias = attention.get("in_proj_bias");
  const auto channels = weight.size(1), from = first * channels, rows = (last - first) * channels;
  // A view of the file would keep it mapped.
  return Linear(weight.narrow(0, from, rows).clone(), bias.narrow(0, from, rows).clone(), compute);
}

/// Attention of one picture's tokens, [T,C] each.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), ColorDecoder::kHeads).squeeze(0);
}

std::vector<Linear> projections(const Weights& decoder, const Compute& compute) {
  std::vector<Linear> layers;
  const auto w = decoder.below("color_decoder.");
  const auto levels = w.get("level_embed.weight").to(at::kDouble);
  for (std::size_t i = 0; i < PixelDecoder::kScales; ++i) {
    auto layer = behind(plain_layer(w.below("input_proj." + std::to_string(i) + ".")), PixelDecoder::norm(decoder, i));
    layers.emplace_back(layer.weight.flatten(1), layer.bias.add(levels.select(0, static_cast<std::int64_t>(i))), compute);
  }
  return layers;
}

}  // namespace

ColorDecoder::ColorDecoder(const Weights& decoder, std::int64_t layers, const Compute& compute)
    : project_(projections(decoder, compute)), last_norm_(decoder.below("color_decoder.decoder_norm."), in_float32(compute)) {
  const auto w = decoder.below("color_decoder.");
  const auto exact = in_float32(compute);
  for (std::int64_t l = 0; l < layers; ++l) layers_.push_back(read_layer(w, l, compute, exact));
  for (const char* index : {"0.", "1.", "2."}) embed_.emplace_back(w.below("color_embed.layers.").below(index), exact);
  queries_ = w.get("query_feat.weight").to(compute.device, at::kFloat, false, true);
  query_positions_ = w.get("query_embed.weight").to(compute.device, at::kFloat, false, true);
}

ColorDecoder::Layer ColorDecoder::read_layer(const Weights& weights, std::int64_t index, const Compute& compute, const Compute& exact) {
  const auto of = [&](const char* kind) { return weights.below(std::string("transformer_") + kind + "_layers." + std::to_string(index) + "."); };
  const auto cross = of("cross_attention"), self = of("self_attention"), feed = of("ffn");
  const auto cross_attention = cross.below("multihead_attn."), self_attention = self.below("self_attn.");
  return {part_of(cross_attention, 0, 1, exact), part_of(cross_attention, 1, 2, compute), part_of(cross_attention, 2, 3, compute),
          Linear(cross_attention.below("out_proj."), exact), LayerNorm(cross.below("norm."), exact),
          part_of(self_attention, 0, 2, exact), part_of(self_attention, 2, 3, exact), Linear(self_attention.below("out_proj."), exact), LayerNorm(self.below("norm."), exact),
          Linear(feed.below("linear1."), exact), Linear(feed.below("linear2."), exact), LayerNorm(feed.below("norm."), exact)};
}

ColorDecoder::Memory ColorDecoder::remember(const FeatureMap& map, const Linear& project) const {
  const auto values = project(map.tokens);
  const auto half = values.size(1) / 2;
  const auto keys = values.clone();
  const auto grid = keys.view({map.height, map.width, 2 * half});
  const auto positions = [&](std::int64_t size) { return axis_positions(size, half).to(values.options()); };
  grid.narrow(2, 0, half).add_(positions(map.height).unsqueeze(1));
  grid.narrow(2, half, half).add_(positions(map.width).unsqueeze(0));
  return {keys, values, map.height, map.width};
}

at::Tensor ColorDecoder::operator()(const std::vector<FeatureMap>& maps, const ColorWatch& watch, Work& work) const {
  std::vector<Memory> memories;
  for (std::size_t i = 0; i < maps.size(); ++i) memories.push_back(remember(maps[i], project_[i]));
  work.step();
  auto q = queries_;
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const auto& layer = layers_[l];
    const auto& memory = memories[l % memories.size()];
    const auto looking = layer.query(q.add(query_positions_)), keys = layer.key(memory.keys);
    if (watch)
      watch({static_cast<std::int64_t>(l) + 1, static_cast<std::int64_t>(layers_.size()), [&] {
               return look_of(looking, keys.view({memory.height, memory.width, keys.size(1)}), kHeads);
             }});
    const auto seen = attend(looking.to(keys.scalar_type()), keys, layer.value(memory.values)).to(at::kFloat);
    q = layer.cross_norm(q.add(layer.out(seen)));

    const auto both = layer.self_query_key(q.add(query_positions_));
    const auto channels = q.size(1);
    q = layer.self_norm(q.add(layer.self_out(attend(both.narrow(1, 0, channels), both.narrow(1, channels, channels), layer.self_value(q)))));
    q = layer.feed_norm(q.add(layer.narrow(at::relu(layer.wide(q)))));
    work.step();
  }
  auto colors = last_norm_(q);
  for (std::size_t i = 0; i < embed_.size(); ++i) colors = embed_[i](i > 0 ? at::relu(colors) : colors);
  return colors;
}

void ColorDecoder::plan(std::int64_t height, std::int64_t width, std::vector<double>& steps) const {
  const auto queries = static_cast<double>(queries_.size(0)), channels = static_cast<double>(queries_.size(1));
  double remembering = 0;
  std::vector<double> looking;
  for (std::size_t i = 0; i < project_.size(); ++i) {
    const auto stride = std::int64_t{16} >> i;
    const auto pixels = static_cast<double>((height / stride) * (width / stride));
    remembering += pixels * channels * static_cast<double>(project_[i].in());
    looking.push_back(pixels * channels * 2 * (channels + queries));
  }
  steps.push_back(remembering);
  for (std::size_t l = 0; l < layers_.size(); ++l)
    steps.push_back(looking[l % looking.size()] + queries * channels * (6 * channels + 2 * static_cast<double>(layers_[l].wide.out())));
}

std::int64_t ColorDecoder::bytes() const {
  std::size_t sum = last_norm_.bytes() + queries_.nbytes() + query_positions_.nbytes();
  for (const auto* layers : {&project_, &embed_})
    for (const auto& layer : *layers) sum += layer.bytes();
  for (const auto& l : layers_) {
    for (const auto* layer : {&l.query, &l.key, &l.value, &l.out, &l.self_query_key, &l.self_value, &l.self_out, &l.wide, &l.narrow}) sum += layer->bytes();
    for (const auto* norm : {&l.cross_norm, &l.self_norm, &l.feed_norm}) sum += norm->bytes();
  }
  return static_cast<std::int64_t>(sum);
}

at::Tensor look_of(const at::Tensor& queries, const at::Tensor& keys, std::int64_t heads) {
  const auto step = [](std::int64_t side) { return (side + ColorDecoder::kMaxLook - 1) / ColorDecoder::kMaxLook; };
  const auto places = keys.slice(0, 0, std::nullopt, step(keys.size(0))).slice(1, 0, std::nullopt, step(keys.size(1))).to(at::kFloat);
  const auto flat = places.flatten(0, 1);
  const auto width = queries.size(1) / heads;
  auto sum = at::zeros({flat.size(0)}, queries.options());
  for (std::int64_t h = 0; h < heads; ++h) {
    const auto q = queries.narrow(1, h * width, width), k = flat.narrow(1, h * width, width);
    sum.add_(at::softmax(at::matmul(q, k.t()).div_(std::sqrt(static_cast<double>(width))), 1).mean(0));
  }
  return sum.div_(heads).view({places.size(0), places.size(1)}).to(at::kCPU);
}

at::Tensor axis_positions(std::int64_t size, std::int64_t channels) {
  auto table = at::empty({size, channels}, at::kFloat);
  auto* to = table.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < size; ++i) {
    const float turn = static_cast<float>(i + 1) / (static_cast<float>(size) + 1e-6F) * static_cast<float>(2 * M_PI);
    for (std::int64_t c = 0; c < channels; ++c) {
      const float angle = turn / std::pow(10000.0F, static_cast<float>(c / 2 * 2) / static_cast<float>(channels));
      *to++ = c % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  }
  return table;
}

}  // namespace darkroom
