#pragma once
// DDColor's colour decoder: learned colour queries look at the pixel decoder's maps in turn and at each other (a transformer decoder as
// Mask2Former has it, Cheng et al. 2022, without masks), and become the colours that the last map is multiplied with.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "restore/ddcolor/pixel_decoder.hpp"
#include "restore/ddcolor/work.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {

/// One layer's look at its map. The look is computed when it is asked for: who does not ask pays nothing.
struct ColorLook {
  std::int64_t layer, layers;  ///< from 1 to layers
  /// Where the queries look: [h,w], float32, on the CPU, the mean over queries and heads; its sum is 1. Of a map over kMaxLook places a
  /// side every second, third... place takes part.
  std::function<at::Tensor()> map;
};

/// Called by each layer.
using ColorWatch = std::function<void(const ColorLook&)>;

class ColorDecoder {
 public:
  static constexpr std::int64_t kHeads = 8;  ///< the one size that no tensor tells
  /// Limit: side of the grid of places of which a look is told. Beyond: places are left out. Fixed: it becomes a small picture, and its
  /// cost stays a hundredth of the decoder's. Edge: ColorDecoder.ALookHasALimit.
  static constexpr std::int64_t kMaxLook = 64;

  /// `decoder`: below "decoder.".
  ColorDecoder(const Weights& decoder, std::int64_t layers, const Compute& compute);
  /// `maps`: what PixelDecoder gives -> the queries' colours [Q, channels of the last shuffle], float32. `watch` may be empty.
  at::Tensor operator()(const std::vector<FeatureMap>& maps, const ColorWatch& watch, Work& work) const;
  void plan(std::int64_t height, std::int64_t width, std::vector<double>& steps) const;
  std::int64_t bytes() const;

 private:
  /// What the queries compute among themselves is float32: a hundredth of the work.
  struct Layer {
    Linear query, key, value, out;  ///< of the cross attention
    LayerNorm cross_norm;
    Linear self_query_key, self_value, self_out;
    LayerNorm self_norm;
    Linear wide, narrow;
    LayerNorm feed_norm;
  };
  /// A map as keys see it (with positions) and as values do.
  struct Memory {
    at::Tensor keys, values;
    std::int64_t height, width;
  };
  static Layer read_layer(const Weights& weights, std::int64_t index, const Compute& compute, const Compute& exact);
  Memory remember(const FeatureMap& map, const Linear& project) const;

  std::vector<Linear> project_;  ///< of each scale, with its level's embedding
  std::vector<Layer> layers_;
  LayerNorm last_norm_;
  std::vector<Linear> embed_;
  at::Tensor queries_, query_positions_;
};

/// What the queries [Q,C] look at among the keys [h,w,C], as ColorLook has it; `heads` divide C.
at::Tensor look_of(const at::Tensor& queries, const at::Tensor& keys, std::int64_t heads);

/// Positions along an axis: [size, channels], float32: sines and cosines in turn, of frequencies that fall to a ten-thousandth.
at::Tensor axis_positions(std::int64_t size, std::int64_t channels);

}  // namespace darkroom
