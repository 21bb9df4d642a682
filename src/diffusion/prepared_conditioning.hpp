#pragma once
// Conditioning made ready for one run: areas in latent pixels, ranges in sigmas, vectors and extra channels as the model takes them.

#include <ATen/core/Tensor.h>

#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "diffusion/conditioning.hpp"
#include "diffusion/diffusion_model.hpp"

namespace darkroom {

struct PreparedCond {
  at::Tensor context;         ///< float32 [1,T,D]
  at::Tensor y;               ///< float32 [1,adm]; undefined when the model takes none
  at::Tensor concat;          ///< float32 [B or 1,C,h,w], the channels behind the latent's; undefined when there are none
  std::optional<Area> area;   ///< clipped to the latent; nothing: all of it
  at::Tensor weight;          ///< of the prediction at each place of the area: float32 [B or 1,1,h,w], or [1,1,1,1] where it is one number
  double start_sigma = std::numeric_limits<double>::infinity(), end_sigma = 0;
  std::shared_ptr<const ControlLink> control;
  std::shared_ptr<const std::vector<Hook>> hooks;
  bool fallback = false;      ///< its weight is what the list's others leave of 1
  at::Tensor control_context, control_y;  ///< what the controls read instead of context and y; undefined: the same
  std::shared_ptr<const GligenUse> gligen;

  bool active(double sigma) const { return end_sigma <= sigma && sigma <= start_sigma; }
};
using PreparedConds = std::vector<PreparedCond>;

/// What a run has beside its conditioning.
struct RunLatent {
  const at::Tensor& latent;                 ///< [B,C,h,w], scaled
  const std::optional<at::Tensor>& mask;    ///< [B,C,h,w], 1 where the picture is made
  std::uint64_t seed = 0;
};

/// Prepares all lists of a run together (positive first, negative second), since areas and controls of one list make entries in the
/// others. Throws InvalidInput for what does not fit the model: a text of another width, a missing pooled vector.
std::vector<PreparedConds> prepare_conditioning(const DiffusionModel& model, std::vector<Conditioning> lists, const RunLatent& run);

}  // namespace darkroom
