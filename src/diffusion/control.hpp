#pragma once
// Controls: networks beside the UNet that look at a hint picture and add to what the UNet's blocks hand each other
// (ControlNet: Zhang et al. 2023). CONTROL_NET is a ControlModel; a ControlLink is one in use.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "diffusion/model_sampling.hpp"
#include "diffusion/unet.hpp"
#include "tensor/compute.hpp"
#include "tensor/packed.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// A packed network that makes residuals out of a hint. Immutable; safe to call from several threads.
class ControlNetwork {
 public:
  virtual ~ControlNetwork() = default;
  /// `call` as the UNet gets it (x may have more channels; only the latent's are looked at). `hint` float32 [b,3,h,w], values 0..1, of any
  /// size: picture i of each of the batch's `parts` equal parts gets hint i % b. Skips are named from the first input block on.
  virtual ControlResiduals operator()(const UNetCall& call, const at::Tensor& hint, std::int64_t parts) const = 0;
  virtual std::size_t bytes() const = 0;  ///< of the packed weights
};

/// A control's weights: mapped until they are first used, packed afterwards. Thread-safe.
class ControlModel {
 public:
  /// Reads a file's tensors: a ControlNet with ldm's names (below `control_model.` or bare) or diffusers' names.
  /// Throws InvalidInput that says why they are none. Packs nothing yet.
  ControlModel(const std::shared_ptr<const StateDict>& tensors, const Compute& compute);

  /// The packed network; who holds the pointer keeps it from being given up.
  std::shared_ptr<const ControlNetwork> acquire() const { return packed_.acquire(); }
  std::size_t bytes() const { return packed_.bytes(); }  ///< of the packed form, 0 without one
  const UNetConfig& config() const { return config_; }

 private:
  Weights weights_;
  UNetConfig config_;
  Compute compute_;
  Packed<ControlNetwork> packed_;
};

/// One control applied to a conditioning, and those that were applied before it.
struct ControlLink {
  std::shared_ptr<const ControlModel> model;
  at::Tensor hint;  ///< float32 [B,3,H,W], values 0..1; never written
  double strength = 1;
  double start_percent = 0, end_percent = 1;  ///< of the schedule
  std::shared_ptr<const ControlLink> previous;

  bool active(const ModelSampling& sampling, double sigma) const {
    return sampling.percent_to_sigma(end_percent) <= sigma && sigma <= sampling.percent_to_sigma(start_percent);
  }
};

/// The sum of what the chain's links add at this sigma, their strengths multiplied in; nothing when none is active. `parts`: conditioning
/// entries in the batch, each with its own equal part of it.
std::optional<ControlResiduals> control_residuals(const ControlLink* last, const UNetCall& call, const ModelSampling& sampling, double sigma, std::int64_t parts);

/// The hint at `height` x `width`: the middle of it that has this shape, nearest-exact.
at::Tensor resized_hint(const at::Tensor& hint, std::int64_t height, std::int64_t width);

}  // namespace darkroom
