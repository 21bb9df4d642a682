#include "nodes/blur.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/reflection_pad2d.h>

#include "base/error.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// exp(-(x^2 + y^2) / 2s^2) is a product, so one row is enough: two passes of 2r + 1 taps instead of (2r + 1)^2.
at::Tensor gaussian_row(std::int64_t radius, double sigma) {
  const at::Tensor x = at::linspace(-1, 1, 2 * radius + 1, at::kDouble);
  const at::Tensor row = at::exp(x * x / (-2.0 * sigma * sigma));
  return (row / row.sum()).to(at::kFloat);
}

}  // namespace

at::Tensor gaussian_blur(const at::Tensor& image, std::int64_t radius, double sigma) {
  if (radius == 0) return image;
  if (radius >= image.size(1) || radius >= image.size(2))
    throw InvalidInput("a radius of " + std::to_string(radius) + " needs a picture of more than as many pixels a side, got " + describe(image));
  const std::int64_t channels = image.size(3);
  const at::Tensor row = gaussian_row(radius, sigma);
  const at::Tensor padded = at::reflection_pad2d(image.permute({0, 3, 1, 2}), {radius, radius, radius, radius});
  const at::Tensor across = at::conv2d(padded, row.reshape({1, 1, 1, -1}).expand({channels, 1, 1, -1}), {}, 1, at::IntArrayRef{0}, 1, channels);
  const at::Tensor down = at::conv2d(across, row.reshape({1, 1, -1, 1}).expand({channels, 1, -1, 1}), {}, 1, at::IntArrayRef{0}, 1, channels);
  return down.permute({0, 2, 3, 1});
}

at::Tensor sharpen(const at::Tensor& image, std::int64_t radius, double sigma, double alpha) {
  if (radius == 0) return image;
  const double weight = 10.0 * alpha;
  return (image * (1.0 + weight) - gaussian_blur(image, radius, sigma) * weight).clamp(0, 1);
}

}  // namespace darkroom
