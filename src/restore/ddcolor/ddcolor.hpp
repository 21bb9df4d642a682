#pragma once
// DDColor (Kang et al. 2023): the colours of a grey picture. The network of the published checkpoints, "MultiScaleColorDecoder".

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "restore/ddcolor/color_decoder.hpp"
#include "restore/ddcolor/convnext.hpp"
#include "restore/ddcolor/pixel_decoder.hpp"
#include "restore/ddcolor/work.hpp"
#include "tensor/compute.hpp"
#include "tensor/state_dict.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// What names and shapes tell of a network.
struct DDColorInfo {
  std::array<std::int64_t, ConvNext::kStages> depths{}, channels{};  ///< of the encoder's stages
  std::int64_t hidden = 0, queries = 0, layers = 0;                  ///< of the colour decoder
  bool operator==(const DDColorInfo&) const = default;
  std::string size() const;  ///< "tiny", "large", else "of its own size"
};

/// A model file whose names and shapes are known to be right, before anything is packed. Holds the file's map.
struct DDColorWeights {
  std::shared_ptr<const StateDict> tensors;
  DDColorInfo info;
};

/// Reads .safetensors, .pth, .pt or .bin in any of the wrappers seen. Throws NotFound, or InvalidInput that begins with the file's name: a
/// missing or misshapen tensor by name, another network. What the network does not use may be there or not.
DDColorWeights read_ddcolor(const std::filesystem::path& path);
/// The same for weights in memory; errors have no file's name.
DDColorWeights recognise_ddcolor(StateDict tensors);

class DDColor {
 public:
  /// Limit: side of the square that the network sees, pixels. Beyond: the node fails with a clear error. Fixed: the published node's own
  /// range. Edge: DDColor.SidesHaveALimit.
  static constexpr std::int64_t kMaxSide = 4096;
  static constexpr std::int64_t kSideStep = 32;  ///< sides are multiples of it
  static constexpr bool takes(std::int64_t side) { return side >= kSideStep && side <= kMaxSide && side % kSideStep == 0; }

  /// Packs the weights for `compute`, those of the 3x3 convolutions for `convolutions`; takes as long as one pass over the file. In bf16
  /// the sums that the encoder's blocks add to, the norms and all that the queries compute among themselves stay float32. `check` is called
  /// before each tensor; what it throws ends the packing.
  DDColor(const DDColorWeights& weights, const Compute& compute, const Compute& convolutions, const std::function<void()>& check = {});
  DDColor(const DDColorWeights& weights, const Compute& compute, const std::function<void()>& check = {})
      : DDColor(weights, compute, compute, check) {}

  /// grey: float32 [3,S,S] in 0..1 -> a and b, float32 [2,S,S], units of CIE Lab, on the CPU. Throws InvalidInput when S is no multiple of
  /// 32 or over the limit. `watch`: told where the colour queries look.
  at::Tensor operator()(const at::Tensor& grey, const WorkProgress& progress, const ColorWatch& watch = {}) const;

  const DDColorInfo& info() const { return info_; }
  std::int64_t bytes() const { return encoder_.bytes() + pixels_.bytes() + colors_.bytes(); }  ///< of the packed weights

 private:
  DDColor(const Weights& root, const DDColorInfo& info, const Compute& compute, const Compute& convolutions);

  DDColorInfo info_;
  at::Device device_;
  ConvNext encoder_;
  PixelDecoder pixels_;
  ColorDecoder colors_;
  /// The refining 1x1 convolution: [2,Q] (float64), [2,3], [2,1]; it takes rgb in 0..1.
  at::Tensor of_queries_, of_rgb_, bias_;
};

}  // namespace darkroom
