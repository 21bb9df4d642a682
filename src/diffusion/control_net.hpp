#pragma once
// ControlNet: a copy of the UNet's input half whose outputs pass convolutions that began as zero (Zhang et al. 2023).

#include <c10/util/intrusive_ptr.h>

#include <mutex>
#include <optional>
#include <vector>

#include "diffusion/control.hpp"
#include "diffusion/control_union.hpp"
#include "diffusion/unet_blocks.hpp"

namespace darkroom {

class ControlNet final : public ControlNetwork {
 public:
  /// `weights`: below the prefix, ldm's names: input_blocks, middle_block, input_hint_block, zero_convs, middle_block_out;
  /// those of a union ControlNet where they are there.
  ControlNet(const Weights& weights, const UNetConfig& config, const Compute& compute);

  ControlResiduals operator()(const UNetCall& call, const ControlHint& hint) const override;
  std::size_t bytes() const override;

 private:
  /// [b,model_channels,h,w]: kept as long as the hint lives, since it is the same at each step.
  at::Tensor embedded(const at::Tensor& hint, std::int64_t height, std::int64_t width) const;

  struct KnownHint {
    c10::weak_intrusive_ptr<c10::TensorImpl> hint;
    at::Tensor embedding;
  };
  UNetConfig config_;
  Compute compute_;
  UNetBlockReader reader_;
  std::vector<UNetBlock> input_;
  UNetBlock middle_;
  TimeEmbedding embedding_;
  std::vector<Convolution> hint_layers_, zero_convs_;
  Convolution middle_out_;
  std::optional<UnionFuser> union_;  ///< of a union ControlNet
  std::vector<const TransformerBlock*> transformers_;
  TextKeyCache text_keys_;
  mutable std::mutex mutex_;
  mutable std::vector<KnownHint> known_hints_;  // the latest last
};

}  // namespace darkroom
