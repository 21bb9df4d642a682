#pragma once
// CLIP's vision encoders: pictures as vectors (Radford et al. 2021; OpenCLIP's H and g: Cherti et al. 2023). Widths, depths, patches and
// the picture's size are read from the tensors.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "tensor/weights.hpp"

namespace darkroom {

struct EncodedPicture {
  at::Tensor embedding;    ///< float32 [B,P]: projected
  at::Tensor last;         ///< float32 [B,T,C]: states behind the last layer; T patches and one token for the whole picture before them
  at::Tensor penultimate;  ///< the same behind the layer before it
};

/// Immutable; copies share the mapped file. Weights are converted layer by layer while a picture is encoded, so that nothing is held twice.
class ClipVision {
 public:
  /// `weights`: in the transformers library's names, at their root ("vision_model.encoder.layers.0..."). Throws InvalidInput that names the
  /// tensor when one is missing or misshapen.
  explicit ClipVision(Weights weights, at::Device device = at::kCPU);

  /// `image` float32 [B,H,W,C], values 0..1. `crop`: the middle square of it; otherwise it is squeezed into one.
  EncodedPicture encode(const at::Tensor& image, bool crop, const std::function<void()>& check) const;

  std::int64_t width() const { return width_; }
  std::int64_t layers() const { return layers_; }
  std::int64_t picture_side() const { return grid_ * patch_; }

 private:
  Weights weights_;
  at::Device device_;
  std::int64_t width_ = 0, layers_ = 0, patch_ = 0, grid_ = 0;
};

/// Pictures as CLIP wants them: float32 [B,3,side,side], scaled bicubically with antialiasing, rounded to 8 bits, normalised.
at::Tensor clip_pixels(const at::Tensor& image, std::int64_t side, bool crop);

/// The vision encoder of a file: in the transformers library's names, or in OpenCLIP's below `visual.`, `embedder.model.visual.` (unCLIP) and
/// the like. Null when there is none.
std::shared_ptr<const ClipVision> load_clip_vision(const std::shared_ptr<const StateDict>& tensors, at::Device device = at::kCPU);

}  // namespace darkroom
