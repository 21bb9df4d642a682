#include "nodes/canny.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr float kEpsilon = 1e-6F;  // under the root of the magnitude
constexpr float kPi = 3.14159265358979F;

at::Tensor grey(const at::Tensor& image) {
  if (image.size(1) == 1) return image;
  return image.narrow(1, 0, 1) * 0.299 + image.narrow(1, 1, 1) * 0.587 + image.narrow(1, 2, 1) * 0.114;
}

at::Tensor blurred(const at::Tensor& image) {
  const at::Tensor x = at::arange(-2.0, 3.0, at::kFloat);
  at::Tensor row = at::exp(x * x / -2.0);
  row = row / row.sum();
  const at::Tensor across = at::conv2d(at::reflection_pad2d(image, {2, 2, 0, 0}), row.reshape({1, 1, 1, 5}));
  return at::conv2d(at::reflection_pad2d(across, {0, 0, 2, 2}), row.reshape({1, 1, 5, 1}));
}

/// [B,2,H,W]: the differences along x and y.
at::Tensor sobel(const at::Tensor& image) {
  const at::Tensor x = at::tensor({-1.F, 0.F, 1.F, -2.F, 0.F, 2.F, -1.F, 0.F, 1.F}).reshape({1, 1, 3, 3});
  const at::Tensor y = x.transpose(2, 3);
  const at::Tensor padded = at::replication_pad2d(image, {1, 1, 1, 1});
  at::Tensor out = at::zeros({image.size(0), 2, image.size(2), image.size(3)}, at::kFloat);
  out.narrow(1, 0, 1).copy_(at::conv2d(padded, x));
  out.narrow(1, 1, 1).copy_(at::conv2d(padded, y.contiguous()));
  return out;
}

/// (dy, dx) of the neighbour in direction k * 45 degrees, from right towards down.
constexpr std::array<std::array<int, 2>, 8> kNeighbours{{{0, 1}, {1, 1}, {1, 0}, {1, -1}, {0, -1}, {-1, -1}, {-1, 0}, {-1, 1}}};

/// One picture: thinning, two thresholds, and growing from strong pixels into weak ones.
class EdgeTracker {
 public:
  EdgeTracker(const float* gx, const float* gy, std::int64_t height, std::int64_t width) : height_(height), width_(width), gx_(gx), gy_(gy) {
    magnitude_.assign(static_cast<std::size_t>((height + 2) * (width + 2)), std::sqrt(kEpsilon));
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) magnitude(y, x) = std::sqrt(gx[y * width + x] * gx[y * width + x] + gy[y * width + x] * gy[y * width + x] + kEpsilon);
  }

  void track(double low, double high, float* out) {
    std::vector<std::uint8_t> weak(static_cast<std::size_t>(height_ * width_));
    std::vector<std::int64_t> strong;
    for (std::int64_t y = 0; y < height_; ++y)
      for (std::int64_t x = 0; x < width_; ++x) {
        const float value = is_ridge(y, x) ? magnitude(y, x) : 0.0F;
        weak[y * width_ + x] = value > static_cast<float>(low);
        if (value > static_cast<float>(high)) strong.push_back(y * width_ + x);
      }
    while (!strong.empty()) {
      const std::int64_t at = strong.back();
      strong.pop_back();
      if (out[at] == 1.0F) continue;
      out[at] = 1.0F;
      for (const auto& [dy, dx] : kNeighbours) {
        const std::int64_t y = at / width_ + dy, x = at % width_ + dx;
        if (y >= 0 && y < height_ && x >= 0 && x < width_ && weak[y * width_ + x] && out[y * width_ + x] == 0.0F) strong.push_back(y * width_ + x);
      }
    }
  }

 private:
  /// A border of one pixel without gradient surrounds the picture.
  float& magnitude(std::int64_t y, std::int64_t x) { return magnitude_[(y + 1) * (width_ + 2) + x + 1]; }

  /// Of two equal pixels across an upright or level step the left or upper one is the ridge.
  bool beats(std::int64_t y, std::int64_t x, int direction) {
    const float other = magnitude(y + kNeighbours[direction][0], x + kNeighbours[direction][1]);
    const bool accepts_tie = direction == 0 || direction == 2;
    return magnitude(y, x) > other || (accepts_tie && magnitude(y, x) == other);
  }

  bool is_ridge(std::int64_t y, std::int64_t x) {
    if (magnitude(y, x) <= magnitude_[0]) return false;
    const float angle = std::atan2(gy_[y * width_ + x], gx_[y * width_ + x]);
    const int eighth = static_cast<int>(std::nearbyint(angle * (4.0F / kPi)));
    return beats(y, x, (eighth + 8) % 8) && beats(y, x, (eighth + 12) % 8);
  }

  std::int64_t height_, width_;
  const float *gx_, *gy_;
  std::vector<float> magnitude_;
};

}  // namespace

at::Tensor canny(const at::Tensor& image, double low, double high) {
  if (!(0 < low && low <= high))
    throw InvalidInput("Invalid input thresholds. low_threshold should be smaller than or equal to the high_threshold. Got: " + std::to_string(low) + ">" + std::to_string(high));
  if (image.size(1) != 1 && image.size(1) != 3) throw InvalidInput("canny expects 1 or 3 channels, got " + describe(image));
  if (image.size(2) < 3 || image.size(3) < 3) throw InvalidInput("canny: a picture of at least 3x3 pixels is needed, got " + describe(image));
  const at::Tensor gradients = sobel(blurred(grey(image)));
  const std::int64_t height = image.size(2), width = image.size(3);
  at::Tensor edges = at::zeros({image.size(0), 1, height, width}, at::kFloat);
  for (std::int64_t b = 0; b < image.size(0); ++b) {
    const float* gx = gradients.const_data_ptr<float>() + b * 2 * height * width;
    EdgeTracker(gx, gx + height * width, height, width).track(low, high, edges.mutable_data_ptr<float>() + b * height * width);
  }
  return edges;
}

}  // namespace darkroom
