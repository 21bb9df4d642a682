#pragma once
// The KL-regularised autoencoder of latent diffusion (Rombach et al. 2022; the layers are those of Esser et al. 2021).

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "diffusion/vae_shape.hpp"
#include "tensor/attention.hpp"
#include "tensor/convolution.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom::kl {

using Check = std::function<void()>;

/// x + conv2(silu(norm2(conv1(silu(norm1(x)))))), x through a 1x1 convolution where the width changes.
class ResidualBlock {
 public:
  ResidualBlock(const Weights& weights, const Compute& compute);
  /// Takes x over: its memory becomes the result's where the width stays.
  at::Tensor operator()(at::Tensor x) const;
  std::size_t bytes() const;

 private:
  GroupNorm norm1_, norm2_;
  Convolution conv1_, conv2_;
  std::optional<Convolution> shortcut_;
};

/// Attention of one head over all pixels, added to x.
class AttentionBlock {
 public:
  AttentionBlock(const Weights& weights, const Compute& compute);
  at::Tensor operator()(at::Tensor x) const;
  std::size_t bytes() const { return norm_.bytes() + qkv_.bytes() + out_.bytes(); }

 private:
  GroupNorm norm_;
  Linear qkv_, out_;
};

/// Residual blocks with or without attention behind each.
class Blocks {
 public:
  Blocks() = default;
  /// The blocks of a stage, or those of the middle.
  static Blocks of_stage(const Weights& weights, const KlStage& stage, const Compute& compute);
  static Blocks of_middle(const Weights& weights, const Compute& compute);
  at::Tensor operator()(at::Tensor x, const Check& check) const;
  std::size_t bytes() const;

 private:
  struct Step {
    ResidualBlock residual;
    std::optional<AttentionBlock> attention;
  };
  std::vector<Step> steps_;
};

/// Latents to pictures.
class Decoder {
 public:
  Decoder(const Weights& weights, const KlShape& shape, const Compute& compute);
  /// float32 [B,C,h,w] -> float32 [B,3,h*s,w*s] in channels-last memory, nominally -1..1.
  at::Tensor operator()(const at::Tensor& latent, const Check& check) const;
  std::size_t bytes() const;

 private:
  struct Stage {
    Blocks blocks;
    std::optional<Convolution> up;  ///< behind a doubling
  };
  Compute compute_;
  std::optional<Linear> post_quant_;
  Convolution first_;
  Blocks middle_;
  std::vector<Stage> stages_;
  GroupNorm norm_;
  Convolution last_;
};

/// Pictures to latents.
class Encoder {
 public:
  Encoder(const Weights& weights, const KlShape& shape, const Compute& compute);
  /// float32 [B,3,H,W] in -1..1, H and W multiples of the downscale -> the means and log variances, float32 [B,2C,h,w].
  at::Tensor operator()(const at::Tensor& image, const Check& check) const;
  std::size_t bytes() const;

 private:
  struct Stage {
    Blocks blocks;
    std::optional<Convolution> down;
  };
  Compute compute_;
  Convolution first_;
  std::vector<Stage> stages_;
  Blocks middle_;
  GroupNorm norm_;
  Convolution last_;
  std::optional<Linear> quant_;
};

}  // namespace darkroom::kl
