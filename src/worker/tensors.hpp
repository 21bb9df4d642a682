#pragma once
// Tensors as values: IMAGE, MASK and LATENT (protocol.md §11.3).

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

#include "worker/node.hpp"
#include "worker/value.hpp"

namespace darkroom {

/// A bare tensor: IMAGE float32 [B,H,W,C] in 0..1, MASK float32 [B,H,W] in 0..1.
struct TensorObject final : Object {
  explicit TensorObject(at::Tensor t) : tensor(std::move(t)) {}
  std::string describe() const override;
  std::size_t bytes() const override;
  at::Tensor tensor;
};

/// LATENT {"samples": float32 [B,C,H/8,W/8], "noise_mask"?: [B,H,W] or [B,1,H,W], "batch_index"?: [B]}.
struct LatentObject final : Object {
  std::string describe() const override;
  std::size_t bytes() const override;
  at::Tensor samples;
  std::optional<at::Tensor> noise_mask;
  std::optional<std::vector<std::int64_t>> batch_index;
  std::shared_ptr<const void> more;  ///< what a Python node put beside them; goes along
};

/// Values of outputs.
Value tensor_value(at::Tensor tensor);
Value latent_value(LatentObject latent);

/// `float32 [1,512,512,3]`, for error texts.
std::string describe(const at::Tensor& tensor);

}  // namespace darkroom
