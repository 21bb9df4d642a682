#include "restore/halving.hpp"

#include <ATen/ops/leaky_relu.h>

#include "tensor/shuffle.hpp"

namespace darkroom {
namespace {

/// [B,C,2H,2W] as [B,H,2,W,2,C].
at::Tensor places_of(const at::Tensor& image) {
  const auto pixels = image.permute({0, 2, 3, 1});
  return pixels.view({pixels.size(0), pixels.size(1) / 2, 2, pixels.size(2) / 2, 2, pixels.size(3)});
}

}  // namespace

Halving::Halving(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute)
    : dtype_(compute.dtype), layer_(weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1}), bias, compute) {}

at::Tensor Halving::operator()(const at::Tensor& x) const {
  const auto places = places_of(x.to(dtype_)).permute({0, 1, 3, 2, 4, 5});
  return layer_(places.reshape({places.size(0), places.size(1), places.size(2), layer_.in()})).permute({0, 3, 1, 2});
}

Doubling Doubling::shuffled(const at::Tensor& weight, const Compute& compute) {
  return Doubling(sorted_by_place(weight.flatten(1), 2), {}, 1, compute);
}

Doubling Doubling::transposed(const at::Tensor& weight, const at::Tensor& bias, float slope, const Compute& compute) {
  return Doubling(weight.permute({2, 3, 1, 0}).reshape({4 * weight.size(1), weight.size(0)}), bias.repeat({4}), slope, compute);
}

void Doubling::add_to(const at::Tensor& sum, const at::Tensor& x) const {
  auto places = layer_(x.to(dtype_).permute({0, 2, 3, 1}));
  if (slope_ != 1) at::leaky_relu_(places, slope_);
  places_of(sum).add_(places.view({x.size(0), x.size(2), x.size(3), 2, 2, sum.size(1)}).permute({0, 1, 3, 2, 4, 5}));
}

}  // namespace darkroom
