#pragma once
// The convolution that networks are written with. It owns its weights in the form that the device computes fastest with.

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>

#include "tensor/compute.hpp"

namespace darkroom {

/// What follows a convolution, channel by channel.
struct Activation {
  enum class Kind { kNone, kLeakyReLU, kPReLU };
  Kind kind = Kind::kNone;
  float slope = 0;     ///< of kLeakyReLU
  at::Tensor slopes;   ///< of kPReLU: float32 [out]
  static Activation none() { return {}; }
  static Activation leaky(float slope) { return {Kind::kLeakyReLU, slope, {}}; }
  static Activation prelu(at::Tensor slopes) { return {Kind::kPReLU, 0, std::move(slopes)}; }
};

/// Added after the activation: `scale * tensor`.
struct Residual {
  const at::Tensor& tensor;
  float scale = 1;
};

class DirectConv;

/// Rows [first, first + tensor.size(2)) of a taller [B,C,H,W].
struct Band {
  at::Tensor tensor;
  std::int64_t first = 0;
};

/// 3x3 convolution, stride 1, zero padding 1, with bias, activation and residuals in one pass over the output.
/// Tensors are [B,C,H,W] in channels-last memory; they may be ranges of the channels of a wider tensor (`narrow(1, ...)`),
/// so that a dense block needs no concatenation.
class Conv2d {
 public:
  /// `weight` [out,in,3,3] and `bias` [out], any floating dtype; both are copied into packed form.
  /// `output_scale` multiplies weight and bias: a constant factor behind a convolution costs nothing.
  Conv2d(const at::Tensor& weight, const at::Tensor& bias, Activation activation, const Compute& compute, float output_scale = 1);
  ~Conv2d();
  Conv2d(Conv2d&&) noexcept;
  Conv2d& operator=(Conv2d&&) noexcept;

  std::int64_t in_channels() const { return in_; }
  std::int64_t out_channels() const { return out_; }

  /// `out` [B,out,H,W] = activation(conv(x)) + residuals. `out` may be one of the residuals, but must not overlap `x`.
  void into(const at::Tensor& x, const at::Tensor& out, std::initializer_list<Residual> residuals = {}) const;
  /// The result takes the memory of `room` where that fits, a tensor that nobody reads any more: fresh pages cost a tenth of a layer.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& room = {}) const;
  /// Only the rows of `out`, out of the rows of `x`, of a picture that is `height` rows high after the convolution: what lies
  /// beyond it is zero, and one row of neighbours on both sides has to be in `x`. `doubled` as in after_doubling().
  void band(const Band& x, std::int64_t height, const Band& out, bool doubled = false) const;
  std::int64_t bytes() const;  ///< of the packed weights
  /// The same after a nearest-neighbour enlargement of `x` by 2, which is not made: `out` is [B,out,2H,2W].
  at::Tensor after_doubling(const at::Tensor& x) const;

 private:
  struct Winograd;  // own kernel, float32: see winograd.hpp
  std::int64_t in_ = 0, out_ = 0;
  std::unique_ptr<DirectConv> direct_;
  std::unique_ptr<Winograd> winograd_;
};

/// An uninitialised [B,C,H,W] in channels-last memory.
at::Tensor empty_nhwc(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width, const at::TensorOptions& options);

}  // namespace darkroom
