#pragma once
// ConvNeXt (Liu et al. 2022), DDColor's encoder: four stages at strides 4, 8, 16 and 32.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "restore/ddcolor/work.hpp"
#include "tensor/compute.hpp"
#include "tensor/depthwise_norm.hpp"
#include "tensor/gelu_feed_forward.hpp"
#include "tensor/linear.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// A picture of features: tokens [height * width, C], row by row.
struct FeatureMap {
  at::Tensor tokens;
  std::int64_t height = 0, width = 0;
};

class ConvNext {
 public:
  static constexpr double kEps = 1e-6;  ///< of its norms
  static constexpr std::size_t kStages = 4;

  /// `weights`: below "encoder.arch."; `mean` and `std` [3] of the pictures that it was trained with, folded into the stem.
  ConvNext(const Weights& weights, const std::array<std::int64_t, kStages>& depths, const at::Tensor& mean, const at::Tensor& std, const Compute& compute);

  /// rgb [3,H,W], float32 on the device, H and W multiples of 32 -> what each stage passes on, not normalised, float32.
  std::vector<FeatureMap> operator()(const at::Tensor& rgb, Work& work) const;
  /// Costs of the steps that a picture of this size takes.
  void plan(std::int64_t height, std::int64_t width, std::vector<double>& steps) const;
  std::int64_t bytes() const;

 private:
  /// The norm's weight and bias are folded into the first layer of `feed`, gamma into the second.
  struct Block {
    DepthwiseNorm depthwise;
    GeluFeedForward feed;
  };
  struct Stage {
    Linear shrink;  ///< a convolution whose places do not overlap: 4x4 of the picture, then 2x2
    std::vector<Block> blocks;
  };
  std::vector<Stage> stages_;
  at::Tensor stem_weight_, stem_bias_;  ///< of the norm behind the stem, float32
  at::ScalarType dtype_;
};

}  // namespace darkroom
