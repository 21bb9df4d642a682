#pragma once
// Which UNet a file holds: read from the names and shapes of its tensors, never from a file's name.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diffusion/model_sampling.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

enum class Family { kSD15, kSD2, kSDXL, kSDXLRefiner };

struct UNetConfig {
  Family family = Family::kSD15;
  Prediction prediction = Prediction::kEps;  ///< by the file: SD2.x's spread of one bias, SDXL's `v_pred`
  bool zero_terminal_snr = false;            ///< SDXL's `ztsnr`
  std::int64_t in_channels = 4, out_channels = 4;
  std::int64_t model_channels = 320;
  std::vector<std::int64_t> level_channels;          ///< width of each level
  std::vector<std::int64_t> residual_blocks;         ///< of each level's input blocks
  std::vector<std::int64_t> transformer_depth;       ///< of each input residual block, in order; 0: none
  std::vector<std::int64_t> transformer_depth_output;
  std::int64_t transformer_depth_middle = 1;
  std::int64_t context_dim = 768;
  std::int64_t heads = 8;          ///< used when head_channels is 0
  std::int64_t head_channels = 0;  ///< SD2, SDXL: 64
  bool linear_projection = false;
  std::int64_t adm_channels = 0;   ///< width of y; 0: none
};

/// `weights`: below the UNet's prefix. Nothing when there is no such UNet; throws InvalidInput that says what is odd when it is one of an
/// unknown shape (a truncated file).
std::optional<UNetConfig> detect_unet(const Weights& weights);

/// The same for a ControlNet, which has a UNet's input and middle blocks: out_channels and transformer_depth_output say nothing.
std::optional<UNetConfig> detect_controlnet(const Weights& weights);

}  // namespace darkroom
