#pragma once
// CONDITIONING: what a sampler is told to make, and where, when and how strongly.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace darkroom {

struct ControlLink;  // diffusion/control.hpp
struct Hook;         // diffusion/hooks.hpp
struct GligenUse;    // diffusion/gligen.hpp

/// A rectangle of the latent, in latent pixels (an eighth of the picture's).
struct Area {
  std::int64_t height, width, y, x;
  bool operator==(const Area&) const = default;
};
/// The same as fractions of the latent's size, 0..1; resolved when the size is known.
struct AreaFraction {
  double height, width, y, x;
};

/// What SDXL's text nodes say of the picture, in pixels. Sizes that are not given are those of the latent.
struct SizeConditioning {
  std::optional<std::int64_t> width, height, crop_w, crop_h, target_width, target_height;
  std::optional<double> aesthetic_score;  ///< refiner
};

/// One CLIP-vision picture of unCLIP.
struct UnclipImage {
  at::Tensor embedding;  ///< float32 [B,D], each of the B pictures with the same strength
  double strength = 1, noise_augmentation = 0;
};

/// One entry of a CONDITIONING list. Copying it copies handles; tensors are never written.
struct Cond {
  at::Tensor text;                   ///< float32 [1,T,D], T a multiple of 77 but for the tokens of styles
  std::optional<at::Tensor> pooled;  ///< float32 [1,P]
  SizeConditioning size;

  std::variant<std::monostate, Area, AreaFraction> area;
  std::optional<double> strength;    ///< 1 when not given; SetArea and SetAreaStrength
  std::optional<at::Tensor> mask;    ///< float32 [B,H,W] of any size
  double mask_strength = 1;
  bool area_to_mask_bounds = false;
  std::optional<double> start_percent, end_percent;  ///< 0..1 of the schedule
  std::optional<double> text_start_percent, text_end_percent;  ///< the part of the schedule that the text was encoded for
  bool fallback = false;  ///< it counts where and as far as the list's other entries do not, whatever its own strength
  std::shared_ptr<const std::vector<Hook>> hooks;  ///< changed weights for this entry alone

  std::shared_ptr<const ControlLink> control;  ///< the last of its chain
  std::optional<at::Tensor> control_text, control_pooled;  ///< instead of text and pooled, for the controls alone
  bool control_applies_to_negative = true;     ///< ControlNetApply (the old node): negatives without one get it too

  // What a UNet with more than four input channels gets besides the latent.
  std::optional<at::Tensor> concat_latent;  ///< [B,4,h,w], not scaled
  std::optional<at::Tensor> concat_mask;    ///< [B,1,H,W]
  std::vector<UnclipImage> unclip;
  std::shared_ptr<const GligenUse> gligen;  ///< phrases with boxes

  std::shared_ptr<const void> more;  ///< what a Python node put beside all this; goes along
};

using Conditioning = std::vector<Cond>;

}  // namespace darkroom
