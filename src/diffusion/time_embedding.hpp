#pragma once
// What a UNet makes of the timestep (and of SDXL's vector), down to what each residual block adds.

#include <mutex>
#include <optional>
#include <vector>

#include "diffusion/unet_config.hpp"
#include "tensor/linear.hpp"

namespace darkroom {

/// The time embedding and the residual blocks' projections of it, which are one product for the whole network. Thread-safe.
class TimeEmbedding {
 public:
  /// Reads time_embed, label_emb where config has adm_channels, and emb_layers.1 below each of `residual_blocks`.
  TimeEmbedding(const Weights& weights, const UNetConfig& config, const Compute& compute, const std::vector<Weights>& residual_blocks);

  /// timesteps float32 [B], y [B,adm] or undefined -> [B, sum of the blocks' widths] in the compute dtype. The last few answers are
  /// kept: a second batch of a step, or a two-stage sampler's next step, asks the same again.
  /// `extra` [1 or B,embedding], in the compute dtype: added to the embedding; undefined: nothing.
  at::Tensor shifts(const at::Tensor& timesteps, const at::Tensor& y, const at::Tensor& extra = {}) const;
  /// [B,embedding] before the blocks' projections, in the compute dtype.
  at::Tensor embedding(const at::Tensor& timesteps, const at::Tensor& y) const;
  /// What residual block `index` adds: a view [B,width] of shifts.
  at::Tensor of_block(const at::Tensor& shifts, std::size_t index) const { return shifts.narrow(1, offsets_[index], offsets_[index + 1] - offsets_[index]); }
  std::size_t bytes() const;

 private:
  struct Known {
    at::Tensor timesteps, y, extra, shifts;
  };
  std::int64_t model_channels_;
  Compute compute_;
  Linear time1_, time2_;
  std::optional<Linear> label1_, label2_;
  std::optional<Linear> projections_;
  std::vector<std::int64_t> offsets_;
  mutable std::mutex mutex_;
  mutable std::vector<Known> known_;  // the latest last
};

}  // namespace darkroom
