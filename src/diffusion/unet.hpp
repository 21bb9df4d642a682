#pragma once
// The UNet of Stable Diffusion 1.x, 2.x and XL, of any widths and depths (Rombach et al. 2022; Podell et al. 2023).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "diffusion/unet_config.hpp"
#include "tensor/compute.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

struct UNetPatches;  // diffusion/unet_patches.hpp
class Chance;        // diffusion/chance.hpp

/// What controls add, strength multiplied in; undefined entries add nothing, and those of another shape than their place are left out.
struct ControlResiduals {
  std::vector<at::Tensor> skips;  ///< one an input block, in their order: to what it hands to the output part
  std::vector<at::Tensor> input;  ///< one an input block: to what it gives, whatever that goes to (T2I-Adapter)
  at::Tensor middle;
};

struct UNetCall {
  at::Tensor x;          ///< float32 [B,in,H,W], already scaled for the model; H and W may be odd
  at::Tensor timesteps;  ///< float32 [B]
  at::Tensor context;    ///< float32 [B,T,D]; keys and values are made once as long as it is the same tensor, unchanged
  at::Tensor y;          ///< float32 [B,adm], or undefined
  const ControlResiduals* control = nullptr;
  const UNetPatches* patches = nullptr;
  std::function<void()> check;  ///< called at each block; throws to interrupt
  /// For patches: the list (0 cond, 1 uncond, ...) of each of the batch's equal parts, in their order.
  std::vector<std::int64_t> lists;
  Chance* chance = nullptr;  ///< for patches that choose; null: outside of a run
  double sigma = 0;          ///< for patches: of this call, and all of the run's
  const std::vector<float>* schedule = nullptr;
};

/// Packed for its device and dtype; immutable afterwards.
class UNet {
 public:
  /// `weights`: below the prefix, names `input_blocks.0.0.weight`, ... Each tensor is packed as it is read.
  UNet(const Weights& weights, const UNetConfig& config, const Compute& compute);
  /// `base` with `weights` of which only `changed` (names from the file's root on) are others than its own: layers without one are shared
  /// with it, all others packed anew.
  UNet(const UNet& base, const Weights& weights, const std::set<std::string>& changed);
  ~UNet();
  UNet(UNet&&) noexcept;

  /// float32 [B,out,H,W]. Throws InvalidInput for shapes that do not fit the configuration.
  at::Tensor operator()(const UNetCall& call) const;
  const UNetConfig& config() const;
  std::size_t bytes() const;  ///< of the packed weights, without those that are shared with a base

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

}  // namespace darkroom
