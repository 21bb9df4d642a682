#pragma once
// GLIGEN: phrases with boxes that say where in the picture they go (Li et al. 2023). Each becomes a token; gated attention between the
// UNet's two attentions lets the pixels look at them.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "diffusion/conditioning.hpp"
#include "diffusion/unet_patches.hpp"
#include "tensor/feed_forward.hpp"
#include "tensor/linear.hpp"
#include "tensor/norm.hpp"
#include "tensor/packed.hpp"

namespace darkroom {

/// One phrase and its place.
struct GligenBox {
  at::Tensor phrase;  ///< float32 [1,D]: the text encoder's pooled vector, not projected
  Area area;          ///< in latent pixels
};

/// Immutable; safe to call from several threads.
class Gligen {
 public:
  /// Limit: boxes of GLIGEN on one entry. Beyond: an error on the sampler's node. Fixed: tokens that the network was trained with. Edge:
  /// Gligen.RefusesWhatDoesNotFit.
  static constexpr std::int64_t kMaxBoxes = 30;

  /// Reads position_net and the `fuser` of each transformer block, named by its place in the UNet. Throws InvalidInput that says what is missing.
  Gligen(const Weights& weights, const Compute& compute);

  /// Tokens [1,kMaxBoxes,D] of boxes in a latent of `height` x `width`; places that no box takes hold what the network knows for none.
  at::Tensor objects(const std::vector<GligenBox>& boxes, std::int64_t height, std::int64_t width) const;
  /// `tokens` [B,T,C] of the place's transformer block with what they see of `objects` [1 or B,N,D]; a block without a fuser: as they are.
  at::Tensor fused(const at::Tensor& tokens, const at::Tensor& objects, const UNetPlace& place) const;
  std::int64_t phrase_width() const { return null_phrase_.size(0); }
  std::size_t bytes() const;

 private:
  /// Gates are multiplied into the layers before them.
  struct Fuser {
    LayerNorm norm1, norm2;
    Linear objects, query, key, value, out;
    GegluFeedForward feed_forward;
  };
  static Fuser read_fuser(const Weights& weights, const Compute& compute);

  Compute compute_;
  at::Tensor null_phrase_, null_place_;  // [D], [64]
  Linear position1_, position2_, position3_;
  std::vector<Fuser> fusers_;  // by UNetPlace::number
};

/// Boxes in use on a conditioning.
struct GligenUse {
  std::shared_ptr<const Packed<Gligen>> model;
  std::vector<GligenBox> boxes;
};

}  // namespace darkroom
