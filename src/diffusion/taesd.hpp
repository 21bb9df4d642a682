#pragma once
// TAESD: a small autoencoder that speaks the latents of the large one, for previews and for machines in a hurry.
// Source: the published weights and their description (madebyollin/taesd, MIT).

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "tensor/convolution.hpp"

namespace darkroom::taesd {

using Check = std::function<void()>;

/// relu(conv(relu(conv(relu(conv(x))))) + x)
class Block {
 public:
  Block(const Weights& weights, const Compute& compute);
  at::Tensor operator()(at::Tensor x) const;
  std::size_t bytes() const;

 private:
  std::array<Convolution, 3> conv_;
  std::optional<Convolution> skip_;
};

/// What a numbered entry of the file is.
enum class Layer { kBlock, kFirst, kHalve, kDouble, kLast };

/// A half's layers in order. Which one a number is, is told by its tensors: blocks are named `.conv.`, the first and the last other
/// entries keep the size, those between halve (encoder) or double it (decoder).
class Network {
 public:
  enum class Side { kEncoder, kDecoder };
  /// Throws InvalidInput that names the tensor which is missing or has a wrong shape. Nothing is packed.
  static std::vector<std::pair<int, Layer>> layers_of(const Weights& weights, Side side);

  Network(const Weights& weights, Side side, const Compute& compute);
  /// Encoder: float32 [B,3,H,W] in 0..1 -> float32 [B,C,H/s,W/s], scaled as in the sampler. Decoder: the reverse.
  at::Tensor operator()(const at::Tensor& input, const Check& check) const;
  std::size_t bytes() const;

 private:
  struct Step {
    Layer kind;
    std::variant<Convolution, Block> layer;
  };
  Side side_;
  Compute compute_;
  std::vector<Step> steps_;
};

}  // namespace darkroom::taesd
