#include "diffusion/token_merging.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>
#include <ATen/ops/scatter_reduce.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "diffusion/chance.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kStride = 2;  // one destination of each kStride x kStride pixels

/// The tokens at `places` [B or 1,n,1].
at::Tensor pick(const at::Tensor& tokens, const at::Tensor& places) {
  return tokens.gather(1, places.expand({tokens.size(0), places.size(1), tokens.size(2)}));
}

/// All pixels, destinations first. Pixels of the last row or column of an odd image are never destinations.
at::Tensor destinations_first(std::int64_t height, std::int64_t width, Chance& chance) {
  const auto rows = height / kStride, columns = width / kStride;
  auto cells = at::zeros({rows, columns, kStride * kStride}, at::kLong);
  cells.scatter_(2, chance.integers(kStride * kStride, {rows, columns, 1}), at::full({rows, columns, 1}, -1, at::kLong));
  auto marks = at::zeros({height, width}, at::kLong);
  marks.narrow(0, 0, rows * kStride).narrow(1, 0, columns * kStride)
      .copy_(cells.view({rows, columns, kStride, kStride}).transpose(1, 2).reshape({rows * kStride, columns * kStride}));
  return marks.reshape({1, -1, 1}).argsort(std::int64_t{1}, /*descending=*/false);
}

}  // namespace

TokenMerging::TokenMerging(const at::Tensor& tokens, std::int64_t height, std::int64_t width, std::int64_t count, Chance& chance) : tokens_(tokens.size(1)) {
  const auto order = destinations_first(height, width, chance).to(tokens.device());
  const auto destinations = (height / kStride) * (width / kStride);
  destinations_ = order.narrow(1, 0, destinations);
  sources_ = order.narrow(1, destinations, tokens_ - destinations);
  const auto directions = tokens / tokens.norm(2, at::IntArrayRef{-1}, /*keepdim=*/true);
  const auto [best, where] = at::matmul(pick(directions, sources_), pick(directions, destinations_).transpose(1, 2)).max(-1);
  const auto ranked = best.argsort(std::int64_t{-1}, /*descending=*/true).unsqueeze(-1);
  count = std::min(count, sources_.size(1));
  gone_ = ranked.narrow(1, 0, count);
  kept_ = ranked.narrow(1, count, ranked.size(1) - count);
  into_ = where.unsqueeze(-1).gather(1, gone_);
}

at::Tensor TokenMerging::merge(const at::Tensor& tokens) const {
  const auto sources = pick(tokens, sources_), going = pick(sources, gone_);
  const auto joined = pick(tokens, destinations_).scatter_reduce(1, into_.expand(going.sizes()), going, "mean");
  return concat({pick(sources, kept_), joined}, 1);
}

at::Tensor TokenMerging::unmerge(const at::Tensor& merged) const {
  const auto kept = merged.narrow(1, 0, kept_.size(1)), joined = merged.narrow(1, kept_.size(1), merged.size(1) - kept_.size(1));
  auto tokens = at::zeros({merged.size(0), tokens_, merged.size(2)}, merged.options());
  const auto put = [&](const at::Tensor& places, const at::Tensor& values) {
    tokens.scatter_(1, places.expand({merged.size(0), places.size(1), merged.size(2)}), values);
  };
  const auto places = sources_.expand({merged.size(0), sources_.size(1), 1});
  put(destinations_, joined);
  put(places.gather(1, kept_), kept);
  put(places.gather(1, gone_), pick(joined, into_));
  return tokens;
}

}  // namespace darkroom
