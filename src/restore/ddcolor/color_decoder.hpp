#pragma once
// DDColor's colour decoder: learned colour queries look at the pixel decoder's maps in turn and at each other (a transformer decoder as
// Mask2Former has it, Cheng et al. 2022, without masks), and become the colours that the last map is multiplied with.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "restore/ddcolor/pixel_decoder.hpp"
#include "restore/ddcolor/work.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"

namespace darkroom {

class ColorDecoder {
 public:
  static constexpr std::int64_t kHeads = 8;  ///< the one size that no tensor tells

  struct Result {
    at::Tensor colors;     ///< [Q, channels of the last shuffle], float32
    at::Tensor attention;  ///< see operator(); undefined if not asked for
  };

  /// `decoder`: below "decoder.".
  ColorDecoder(const Weights& decoder, std::int64_t layers, const Compute& compute);
  /// `maps`: what PixelDecoder gives. With `watch`, attention is what each query looked at in the last layer: [Q,h,w], float32, each
  /// query's sums to 1; the mean over the heads.
  Result operator()(const std::vector<FeatureMap>& maps, bool watch, Work& work) const;
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

/// Positions along an axis: [size, channels], float32: sines and cosines in turn, of frequencies that fall to a ten-thousandth.
at::Tensor axis_positions(std::int64_t size, std::int64_t channels);

}  // namespace darkroom
