#include "nodes/latent_operations.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/std.h>

#include "base/error.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

void require_latent(const at::Tensor& samples) {
  if (samples.dim() != 4 || samples.numel() == 0) throw InvalidInput("samples: expected [B,C,H,W], got " + describe(samples));
}

/// exp(-d² / 2σ²) over [-1, 1]² whatever the size, so that sigma is relative to the radius; the sum is 1.
at::Tensor gaussian(std::int64_t size, double sigma) {
  const at::Tensor place = at::linspace(-1, 1, size, at::kFloat);
  const at::Tensor square = place * place;
  const at::Tensor distance = (square.unsqueeze(1) + square.unsqueeze(0)).sqrt();
  const at::Tensor kernel = (distance * distance / (-2 * sigma * sigma)).exp();
  return kernel / kernel.sum();
}

}  // namespace

at::Tensor TonemapReinhard::apply(const at::Tensor& samples) const {
  require_latent(samples);
  const at::Tensor length = samples.norm(2, 1, true) + 1e-10;
  const std::int64_t item[] = {1, 2, 3};
  const at::Tensor top = (at::std(length, item, /*unbiased=*/true, /*keepdim=*/true) * 5 + length.mean(item, true)) * multiplier_;
  const at::Tensor scaled = length / top;
  return samples / length * (scaled / (scaled + 1) * top);
}

at::Tensor LatentSharpen::apply(const at::Tensor& samples) const {
  require_latent(samples);
  if (radius_ < 1 || radius_ >= samples.size(2) || radius_ >= samples.size(3))
    throw InvalidInput("sharpen_radius: " + std::to_string(radius_) + " is not below the sides of " + darkroom::describe(samples));
  const std::int64_t channels = samples.size(1);
  const at::Tensor length = samples.norm(2, 1, true) + 1e-6;
  at::Tensor kernel = gaussian(2 * radius_ + 1, sigma_) * (alpha_ * -10);
  kernel.select(0, radius_).select(0, radius_).add_(1 - kernel.sum());
  kernel = kernel.to(samples.options()).repeat({channels, 1, 1, 1});
  const std::int64_t border[] = {radius_, radius_, radius_, radius_};
  const std::int64_t one[] = {1, 1}, none[] = {0, 0};
  const at::Tensor sharp = at::conv2d(at::reflection_pad2d(samples / length, border), kernel, {}, one, none, one, channels);
  return sharp * length;
}

}  // namespace darkroom
