#pragma once
// FFDNet (Zhang et al. 2018): removes noise of a strength that it is told. Its output is the clean picture, not the noise.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "restore/upscaler.hpp"
#include "tensor/conv.hpp"
#include "tensor/state_dict.hpp"

namespace darkroom {

/// What names and shapes tell of a network.
struct DenoiserInfo {
  std::int64_t channels = 3;            ///< of the picture: 3, or 1 for grey ones
  std::int64_t features = 0, layers = 0;
  bool operator==(const DenoiserInfo&) const = default;
};

/// A model file whose names and shapes are known to be right, before anything is packed. Holds the file's map.
struct DenoiserWeights {
  StateDict tensors;
  DenoiserInfo info;
};

/// Reads .pth (old and new) or .safetensors. Throws NotFound, or InvalidInput that begins with the file's name.
DenoiserWeights read_denoiser(const std::filesystem::path& path);
/// The same for weights in memory; errors have no file's name.
DenoiserWeights recognise_denoiser(StateDict tensors);

class FfdNet {
 public:
  FfdNet(const DenoiserWeights& weights, const Compute& compute);
  const DenoiserInfo& info() const { return info_; }
  std::int64_t bytes() const;
  /// Input pixels around an output pixel that it depends on, and a bit.
  std::int64_t margin() const { return 2 * info_.layers + 2; }
  /// float32 [1,C,H,W] in 0..1 -> the same, clean, not clamped; any H and W. `sigma`: the noise's standard deviation, in units of the picture.
  at::Tensor forward(const at::Tensor& image, double sigma, const LayerCheck& check) const;

 private:
  DenoiserInfo info_;
  at::TensorOptions options_;
  std::vector<Conv2d> layers_;
};

}  // namespace darkroom
