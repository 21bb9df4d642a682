#include "tensor/linear.hpp"

#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>

#include "base/error.hpp"
#include "tensor/onednn.hpp"
#include "tensor/weight_cast.hpp"

namespace darkroom {

// float32 stays a plain matrix: MKL packs it on the way at no cost that could be measured (60 to 81 GFLOP/s on one core of Zen 3,
// where oneDNN's packed form gave 53 to 74), and a float32 file needs no copy of it at all. bf16 is packed for AMX and AVX-512.

Linear::Linear(const Weights& weights, const Compute& compute)
    : Linear(weights.get("weight"), weights.has("bias") ? weights.get("bias") : at::Tensor(), compute) {
  weights.release("weight");
}

Linear::Linear(const at::Tensor& weight, const at::Tensor& bias, const Compute& compute) {
  if (weight.dim() < 2) throw InvalidInput("a linear layer's weight has shape " + shape_text(weight));
  out_ = weight.size(0);
  in_ = weight.numel() / std::max<std::int64_t>(out_, 1);
  if (in_ != weight.size(1)) throw InvalidInput("a linear layer's weight has shape " + shape_text(weight));
  if (bias.defined() && (bias.dim() != 1 || bias.size(0) != out_)) throw InvalidInput("a bias of shape " + shape_text(bias) + " for " + std::to_string(out_) + " outputs");
  weight_ = cast_weight(weight, compute).reshape({out_, in_}).contiguous();
  if (bias.defined()) bias_ = bias.to(compute.device, compute.dtype).contiguous();
  bytes_ = weight_.nbytes() + (bias_.defined() ? bias_.nbytes() : 0);
  if (compute.device.is_cpu() && compute.dtype == at::kBFloat16 && onednn::fast_bf16()) {
    if (auto packed = onednn::pack_linear(weight_); packed.defined()) {
      weight_ = std::move(packed);
      packed_ = true;
    }
  }
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (packed_) return onednn::linear(x, weight_, bias_);
  return bias_.defined() ? at::linear(x, weight_, bias_) : at::linear(x, weight_);
}

at::Tensor Linear::plus(const at::Tensor& x, at::Tensor residual) const {
  if (packed_) return onednn::linear_plus(x, residual, weight_, bias_);
  if (!residual.is_contiguous()) return (*this)(x).add_(residual);
  auto sum = residual.view({-1, out_});
  if (bias_.defined()) sum.add_(bias_);
  sum.addmm_(x.reshape({-1, in_}), weight_.t());
  return residual;
}

}  // namespace darkroom
