#pragma once
// ControlNet: a copy of the UNet's input half whose outputs pass convolutions that began as zero (Zhang et al. 2023).

#include <optional>
#include <vector>

#include "diffusion/control.hpp"
#include "diffusion/control_union.hpp"
#include "diffusion/hint_memo.hpp"
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
  /// The hint as it joins the latent: [b,model_channels,h,w].
  at::Tensor embedded(const at::Tensor& hint, const HintMemo<at::Tensor>::Use& use) const;

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
  mutable HintMemo<at::Tensor> hints_;
};

}  // namespace darkroom
