#pragma once
// DDColor's pixel decoder: three enlargements that take the encoder's stages in, as a U-Net does, and a last one to the picture's size.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "restore/ddcolor/convnext.hpp"
#include "restore/ddcolor/work.hpp"
#include "restore/folding.hpp"
#include "tensor/conv.hpp"
#include "tensor/linear.hpp"

namespace darkroom {

class PixelDecoder {
 public:
  static constexpr std::size_t kScales = 3;
  static constexpr std::int64_t kLastFactor = 4;

  /// `decoder`: below "decoder."; `encoder`: below "encoder.arch.", whose last norms are folded in here. `convolutions`: of the 3x3 ones.
  PixelDecoder(const Weights& decoder, const Weights& encoder, const Compute& compute, const Compute& convolutions);

  /// The encoder's stages -> three maps (strides 16, 8, 4) before their batch norms, which `norm()` tells: whoever reads them folds it in.
  std::vector<FeatureMap> operator()(const std::vector<FeatureMap>& stages, Work& work) const;
  /// The batch norm behind a map.
  static ChannelAffine norm(const Weights& decoder, std::size_t scale);

  /// The last map enlarged by 4, each of its places times two vectors [2,C] (float32): [2, 4h, 4w], float32.
  at::Tensor project(const FeatureMap& map, const at::Tensor& vectors, Work& work) const;

  void plan(std::int64_t height, std::int64_t width, std::vector<double>& steps) const;
  void plan_project(std::int64_t height, std::int64_t width, std::vector<double>& steps) const;
  std::int64_t bytes() const;

 private:
  struct Block {
    Linear enlarge;                 ///< 1x1, to 4 times `out` channels sorted by place; batch norms folded in
    at::Tensor side_scale, side_shift;  ///< the encoder's norm and the batch norm behind it, float32
    Conv2d conv;                    ///< over the enlarged map and the encoder's stage beside it; with ReLU
  };
  FeatureMap through(const Block& block, const at::Tensor& tokens, const FeatureMap& side, Work& work) const;

  at::Tensor top_scale_, top_shift_;  ///< the norm of the encoder's last stage
  std::vector<Block> blocks_;
  Linear last_;
  at::TensorOptions options_, conv_options_;  ///< of maps, and inside of the convolutions
};

}  // namespace darkroom
