#include "restore/folding.hpp"

#include <ATen/ops/dot.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>

#include <utility>

namespace darkroom {
namespace {

/// A copy: the file's pages are released once a layer is packed.
at::Tensor doubles(const Weights& weights, const char* name) { return weights.get(name).to(at::kDouble); }

at::Tensor bias_of(const Weights& weights, std::int64_t out) { return weights.has("bias") ? doubles(weights, "bias") : at::zeros({out}, at::kDouble); }

/// [C] in the shape that multiplies along `dim` of a weight.
at::Tensor along(const at::Tensor& vector, const at::Tensor& weight, std::int64_t dim) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(weight.dim()), 1);
  sizes[static_cast<std::size_t>(dim)] = -1;
  return vector.view(sizes);
}

}  // namespace

ChannelAffine batch_norm(const Weights& weights) {
  constexpr double kEps = 1e-5;
  const auto scale = doubles(weights, "weight").mul(at::rsqrt(doubles(weights, "running_var").add(kEps)));
  return {scale, doubles(weights, "bias").sub(doubles(weights, "running_mean").mul(scale))};
}

ChannelAffine norm_affine(const Weights& weights) { return {doubles(weights, "weight"), doubles(weights, "bias")}; }

ChannelAffine after(const ChannelAffine& inner, const ChannelAffine& outer) { return {inner.scale.mul(outer.scale), inner.shift.mul(outer.scale).add(outer.shift)}; }

FoldedLayer spectral_layer(const Weights& weights) {
  auto weight = doubles(weights, "weight_orig");
  const auto sigma = at::dot(doubles(weights, "weight_u"), at::mv(weight.flatten(1), doubles(weights, "weight_v")));
  weights.release("weight_orig");
  return {weight.div(sigma), bias_of(weights, weight.size(0))};
}

FoldedLayer plain_layer(const Weights& weights) {
  auto weight = doubles(weights, "weight");
  weights.release("weight");
  const auto out = weight.size(0);
  return {std::move(weight), bias_of(weights, out)};
}

FoldedLayer behind(FoldedLayer layer, const ChannelAffine& affine) {
  // Of a kernel with several places the shift counts at each of them.
  const auto sums = layer.weight.dim() > 2 ? layer.weight.flatten(2).sum(2) : layer.weight;
  layer.bias = layer.bias.add(at::mv(sums, affine.shift));
  layer.weight = layer.weight.mul(along(affine.scale, layer.weight, 1));
  return layer;
}

FoldedLayer before(FoldedLayer layer, const ChannelAffine& affine) {
  layer.weight = layer.weight.mul(along(affine.scale, layer.weight, 0));
  layer.bias = layer.bias.mul(affine.scale).add(affine.shift);
  return layer;
}

}  // namespace darkroom
