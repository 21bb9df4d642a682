#pragma once
// LATENT_OPERATION: something that is done to latents, now or inside a sampler.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "worker/value.hpp"

namespace darkroom {

class LatentOperation : public Object {
 public:
  /// Samples [B,C,H,W] to samples of the same shape.
  virtual at::Tensor apply(const at::Tensor& samples) const = 0;
  std::string describe() const override { return "LatentOperation()"; }
  std::size_t bytes() const override { return 0; }
};

/// Compresses the lengths of the channel vectors as Reinhard's operator does (Reinhard et al., "Photographic Tone Reproduction
/// for Digital Images", 2002); the scale is (mean + 5 standard deviations) * multiplier of each item.
class TonemapReinhard final : public LatentOperation {
 public:
  explicit TonemapReinhard(double multiplier) : multiplier_(multiplier) {}
  at::Tensor apply(const at::Tensor& samples) const override;

 private:
  double multiplier_;
};

/// Sharpens the directions of the channel vectors by an inverted Gaussian of 2 * radius + 1 elements, edges reflected.
class LatentSharpen final : public LatentOperation {
 public:
  LatentSharpen(std::int64_t radius, double sigma, double alpha) : radius_(radius), sigma_(sigma), alpha_(alpha) {}
  at::Tensor apply(const at::Tensor& samples) const override;

 private:
  std::int64_t radius_;
  double sigma_, alpha_;
};

}  // namespace darkroom
