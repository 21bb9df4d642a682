#pragma once
// Super-resolution networks behind one interface, and the reader that tells which one a file holds.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "tensor/conv.hpp"
#include "tensor/state_dict.hpp"

namespace darkroom {

/// Called between layers; throws what shall end the computation (a cancelled job).
using LayerCheck = std::function<void()>;

/// What names and shapes tell of a network.
struct UpscalerInfo {
  std::string
      architecture;  ///< "Compact" (SRVGGNetCompact), "ESRGAN" (RRDBNet), "NAFNet", as spandrel names them; "SRMD", "SRMDNF", "waifu2x ..."
  int scale = 1;             ///< output pixels per input pixel, a side
  int in_channels = 3, out_channels = 3;
  int features = 0, blocks = 0;
  int border = 0;            ///< input pixels a side that upscale_tiled() gives it more: a tile's neighbours, the picture's edge repeated
  int inset = 0;             ///< input pixels a side that forward() leaves out of its result: convolutions without padding
  bool takes_noise = false;  ///< at_noise() tells it how strong the picture's noise is
  bool operator==(const UpscalerInfo&) const = default;
};

class Upscaler {
 public:
  explicit Upscaler(UpscalerInfo info) : info_(std::move(info)) {}
  virtual ~Upscaler() = default;
  const UpscalerInfo& info() const { return info_; }
  /// float32 [B,in,H,W] in 0..1 -> float32 [B,out,(H-2*inset)*scale,(W-2*inset)*scale], not clamped. Any H and W from 1 + 2*inset.
  virtual at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const = 0;
  virtual std::int64_t bytes() const = 0;  ///< of the packed weights
  /// The same network, weights shared, for pictures with noise of this standard deviation, 8-bit steps. (SRMD that isn't told takes 3.)
  /// Throws InvalidInput for a network that can't be told.
  virtual std::unique_ptr<const Upscaler> at_noise(double sigma) const;

 private:
  UpscalerInfo info_;
};

/// A model file whose names and shapes are known to be right, before anything is packed. Holds the file's map.
struct UpscalerWeights {
  StateDict tensors;   ///< names of basicsr
  UpscalerInfo info;
  double shrink = 1;   ///< < 1: the output is made smaller by bicubic interpolation (animevideov3 x2 and x3)
};

/// Reads .safetensors, .pth and its like, or ncnn's .param with the .bin beside it; finds the architecture and checks every
/// name and shape. Throws NotFound, or InvalidInput that begins with the file's name.
UpscalerWeights read_upscaler(const std::filesystem::path& path);
/// The same for weights in memory; errors have no file's name.
UpscalerWeights recognise_upscaler(StateDict tensors);

/// Packs the weights for `compute`. Takes as long as one pass over the file.
std::unique_ptr<Upscaler> make_upscaler(const UpscalerWeights& weights, const Compute& compute);

}  // namespace darkroom
