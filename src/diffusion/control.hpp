#pragma once
// Controls: networks beside the UNet that look at a hint picture and add to what the UNet's blocks hand each other
// (ControlNet: Zhang et al. 2023; T2I-Adapter: Mou et al. 2023). A ControlModel is a file of one; a ControlLink is one in use.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "diffusion/model_sampling.hpp"
#include "diffusion/unet.hpp"
#include "tensor/compute.hpp"
#include "tensor/packed.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

class Network;  // diffusion/diffusion_model.hpp

/// What a control looks at, and how.
struct ControlHint {
  at::Tensor picture;        ///< float32 [b,3,h,w], values 0..1, of any size; never written
  std::int64_t parts = 1;    ///< picture i of each of the batch's equal parts (conditioning entries) gets hint i % b
  std::optional<std::int64_t> union_type = {};  ///< union ControlNets: what kind of picture it is; nothing: not said
};

/// A packed network that makes residuals out of a hint. Immutable; safe to call from several threads.
class ControlNetwork {
 public:
  virtual ~ControlNetwork() = default;
  /// `call` as the UNet gets it (x may have more channels; only the latent's are looked at).
  virtual ControlResiduals operator()(const UNetCall& call, const ControlHint& hint) const = 0;
  virtual std::size_t bytes() const = 0;  ///< of the packed weights
};

/// A control's weights: mapped until they are first used, packed afterwards. Thread-safe.
class ControlModel {
 public:
  virtual ~ControlModel() = default;
  /// The packed network for use beside `model`; who holds the pointer keeps it from being given up.
  virtual std::shared_ptr<const ControlNetwork> acquire(const std::shared_ptr<const Network>& model) const = 0;
  virtual std::size_t bytes() const = 0;             ///< of the packed form, 0 without one
  virtual const std::string& description() const = 0;  ///< "ControlNet of 320 channels"
};

/// The control that a file's tensors make: a ControlNet with ldm's names (below `control_model.` or bare) or diffusers' names, a control
/// LoRA, a T2I-Adapter. Packs nothing yet. `base`: the model whose weights a file of differences is added to; null: it is taken as it is.
/// Throws InvalidInput that says why the tensors are none.
std::shared_ptr<const ControlModel> load_control(const std::shared_ptr<const StateDict>& tensors, const Compute& compute, const std::shared_ptr<const Network>& base = nullptr);

/// One control applied to a conditioning, and those that were applied before it.
struct ControlLink {
  std::shared_ptr<const ControlModel> model;
  at::Tensor hint;  ///< float32 [B,3,H,W], values 0..1; never written
  double strength = 1;
  double start_percent = 0, end_percent = 1;  ///< of the schedule
  std::optional<std::int64_t> union_type = {};
  std::shared_ptr<const ControlLink> previous = {};

  bool active(const ModelSampling& sampling, double sigma) const {
    return sampling.percent_to_sigma(end_percent) <= sigma && sigma <= sampling.percent_to_sigma(start_percent);
  }
};

/// What a step has that controls work beside.
struct ControlStep {
  const ModelSampling& sampling;
  double sigma;
  std::int64_t parts;  ///< conditioning entries in the batch, each with its own equal part of it
  std::shared_ptr<const Network> model;  ///< null: controls that need none
};

/// The sum of what the chain's links add at this sigma, their strengths multiplied in; nothing when none is active.
std::optional<ControlResiduals> control_residuals(const ControlLink* last, const UNetCall& call, const ControlStep& step);

/// The hint at `height` x `width`: the middle of it that has this shape, nearest-exact.
at::Tensor resized_hint(const at::Tensor& hint, std::int64_t height, std::int64_t width);

/// The hint's pictures over a batch of `batch` in `parts` parts: [1,...], which broadcasts, or [batch,...].
at::Tensor over_batch(const at::Tensor& pictures, std::int64_t batch, std::int64_t parts);

}  // namespace darkroom
