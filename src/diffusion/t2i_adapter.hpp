#pragma once
// T2I-Adapter: a small convolutional network that looks at the hint once, before the first step, and adds four features to the UNet's
// input blocks (Mou et al. 2023; forms as published by TencentARC: full, light, and full for SDXL).

#include <optional>
#include <vector>

#include "diffusion/control.hpp"
#include "diffusion/hint_memo.hpp"
#include "tensor/convolution.hpp"

namespace darkroom {

/// The weights of an adapter in TencentARC's names (diffusers' are renamed); nothing when it is none.
std::optional<Weights> adapter_weights(const std::shared_ptr<const StateDict>& tensors);

struct AdapterShape {
  bool light = false;         ///< narrow layers between two 1x1 convolutions
  std::int64_t channels = 0;  ///< of the first feature
  std::int64_t pictures = 3;  ///< channels of the hint: 3, or 1
  std::int64_t scale = 8;     ///< pixels of the hint a pixel of the first feature: 8, SDXL 16
};

/// Read from the names and shapes of its tensors. Throws InvalidInput that says what is missing.
AdapterShape adapter_shape(const Weights& weights);

class T2IAdapter final : public ControlNetwork {
 public:
  T2IAdapter(const Weights& weights, const AdapterShape& shape, const Compute& compute);
  ControlResiduals operator()(const UNetCall& call, const ControlHint& hint) const override;
  std::size_t bytes() const override;

 private:
  /// Two convolutions over the input, which is added again.
  struct Residual { Convolution block1, block2; };
  struct Level {
    bool halves = false;
    std::optional<Convolution> halving;  ///< none: means of 2x2 pixels
    std::optional<Convolution> in;
    std::vector<Residual> residuals;
    std::optional<Convolution> out;
  };
  Level read_level(const Weights& weights, std::int64_t index) const;
  Level read_light_level(const Weights& weights, std::int64_t index) const;
  /// Four features [b,C,h,w].
  std::vector<at::Tensor> features(const at::Tensor& hint, std::int64_t height, std::int64_t width) const;

  AdapterShape shape_;
  Compute compute_;
  std::optional<Convolution> entry_;  ///< the light form has none
  std::vector<Level> levels_;
  mutable HintMemo<std::vector<at::Tensor>> hints_;
};

}  // namespace darkroom
