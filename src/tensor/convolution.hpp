#pragma once
// The general convolution that networks are written with: 1x1 and 3x3, stride 1 and 2. It owns its weights in the form that the
// device computes fastest with. Conv2d (conv.hpp) is its 3x3 case with activations, for the upscalers.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/compute.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

class Conv2d;
class Linear;

/// Where the zeros are that a convolution sees around its input.
enum class Padding {
  kSame,         ///< (kernel - 1) / 2 on all sides
  kRightBottom,  ///< one column on the right, one row at the bottom: the VAE encoder's stride 2
};

/// Tensors are [B,C,H,W] in channels-last memory, in the layer's dtype and on its device. Immutable; safe to call from several threads.
class Convolution {
 public:
  /// Reads "weight" [out,in,k,k] and, where it is there, "bias" [out].
  explicit Convolution(const Weights& weights, const Compute& compute, std::int64_t stride = 1, Padding padding = Padding::kSame);
  Convolution(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute, std::int64_t stride = 1, Padding padding = Padding::kSame);
  ~Convolution();
  Convolution(Convolution&&) noexcept;
  Convolution& operator=(Convolution&&) noexcept;

  std::int64_t in() const { return in_; }
  std::int64_t out() const { return out_; }
  std::size_t bytes() const { return bytes_; }  ///< of the packed weights

  at::Tensor operator()(const at::Tensor& x) const;
  /// The same plus `residual`, which stays as it is.
  at::Tensor plus(const at::Tensor& x, const at::Tensor& residual) const;
  /// The same after a nearest-neighbour enlargement of `x` to height x width. An exact doubling is not made in memory.
  at::Tensor after_enlarging(const at::Tensor& x, std::int64_t height, std::int64_t width) const;

 private:
  class Packed;
  at::Tensor run(const at::Tensor& x, const at::Tensor& residual) const;

  // One of these holds the weights:
  std::unique_ptr<const Linear> linear_;    ///< 1x1: a product over the pixels
  std::unique_ptr<const Conv2d> winograd_;  ///< float32, 3x3, stride 1, where the memory of it is worth while
  std::unique_ptr<Packed> packed_;          ///< bf16 on a processor that is good at it: oneDNN's form
  at::Tensor matrix_;                       ///< float32, everything else: see unfolded_conv.hpp
  at::Tensor weight_;                       ///< other dtypes and devices

  at::Tensor bias_;
  std::int64_t in_ = 0, out_ = 0, kernel_ = 0, stride_ = 1;
  Padding padding_ = Padding::kSame;
  std::size_t bytes_ = 0;
};

/// [B,C,H,W] as tokens [B,H*W,C] and back. Views where the memory is channels-last.
at::Tensor tokens_of(const at::Tensor& image);
at::Tensor image_of(const at::Tensor& tokens, std::int64_t height, std::int64_t width);

}  // namespace darkroom
