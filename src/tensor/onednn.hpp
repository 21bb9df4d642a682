#pragma once
// oneDNN with weights packed once: libtorch's `mkldnn` operators, which have no C++ header. On the CPU, for float32 anywhere and for
// bf16 where fast_bf16() says so. Every function whose operator this libtorch lacks gives an undefined tensor.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace darkroom::onednn {

/// Does this processor multiply bf16 at speed (AMX, AVX-512)? Elsewhere oneDNN refuses it.
bool fast_bf16();

/// `weight` [out,in] for linear() and linear_plus(), which take it in this form alone.
at::Tensor pack_linear(const at::Tensor& weight);
/// `x` [...,in] of the weight's dtype; `bias` [out] or undefined. Gives [...,out].
at::Tensor linear(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias);
/// GELU (the exact one, with erf) of linear(), in one pass.
at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias);
/// linear() + `residual`, in one pass.
at::Tensor linear_plus(const at::Tensor& x, const at::Tensor& residual, const at::Tensor& packed, const at::Tensor& bias);

/// Padding on all sides and stride, the same in both directions.
struct Window {
  std::int64_t padding = 1, stride = 1;
};
/// `weight` [out,in,k,k]. `input`: the sizes that it will be used with; others cost a reorder in every call.
at::Tensor pack_convolution(const at::Tensor& weight, Window window, const std::optional<std::vector<std::int64_t>>& input = {});
/// The weight as it was before pack_convolution(), channels last.
at::Tensor unpack_convolution(const at::Tensor& packed);
/// `x` [B,in,H,W] channels last; `bias` [out] or undefined; `leak`: slope of a leaky ReLU behind it.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias, Window window, std::optional<double> leak = {});

}  // namespace darkroom::onednn
