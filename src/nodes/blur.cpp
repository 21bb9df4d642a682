#include "nodes/blur.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/sqrt.h>

#include <string>

#include "base/error.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// Normalised weights [2r + 1, 2r + 1]. One row applied twice would do with fewer products, but its rounding turns a white
/// area into 254 where the whole square gives 255.
at::Tensor gaussian_square(std::int64_t radius, double sigma) {
  const at::Tensor x = at::linspace(-1, 1, 2 * radius + 1, at::kFloat);
  const at::Tensor distance = at::sqrt(x.unsqueeze(1) * x.unsqueeze(1) + x * x);
  const at::Tensor square = at::exp(-(distance * distance) / (2.0 * sigma * sigma));
  return square / square.sum();
}

/// Every channel by itself, mirrored at the edges.
at::Tensor convolve(const at::Tensor& image, const at::Tensor& square) {
  const std::int64_t radius = square.size(0) / 2, channels = image.size(3);
  if (radius >= image.size(1) || radius >= image.size(2))
    throw InvalidInput("a radius of " + std::to_string(radius) + " needs a picture of more than as many pixels a side, got " + describe(image));
  const at::Tensor padded = at::reflection_pad2d(image.permute({0, 3, 1, 2}), {radius, radius, radius, radius});
  const at::Tensor weights = square.repeat({channels, 1, 1}).unsqueeze(1);
  return at::conv2d(padded, weights, {}, 1, at::IntArrayRef{0}, 1, channels).permute({0, 2, 3, 1});
}

}  // namespace

at::Tensor gaussian_blur(const at::Tensor& image, std::int64_t radius, double sigma) {
  return radius == 0 ? image : convolve(image, gaussian_square(radius, sigma));
}

at::Tensor sharpen(const at::Tensor& image, std::int64_t radius, double sigma, double alpha) {
  if (radius == 0) return image;
  const at::Tensor square = gaussian_square(radius, sigma) * -(alpha * 10);
  const at::Tensor centre = square[radius][radius];
  centre.copy_(centre - square.sum() + 1.0);
  return convolve(image, square).clamp(0, 1);
}

}  // namespace darkroom
