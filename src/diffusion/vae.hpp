#pragma once
// Autoencoders: latents to pictures and back. KL-f8 of Stable Diffusion 1.x, 2.x and XL, the small TAESD, and none at all.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tensor/compute.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

struct VaeInfo {
  std::string architecture;            ///< "KL-f8", "TAESD", "pixel space"
  std::int64_t latent_channels = 4;
  std::int64_t downscale = 8;          ///< pixels a latent pixel, both ways
  std::int64_t image_channels = 3;
};

/// What a call is told besides its tensor.
struct VaeRun {
  std::function<void()> check;  ///< called between blocks and tiles; throws to interrupt. May be empty
  std::function<void(std::int64_t value, std::int64_t max)> progress;  ///< tiles done; not called for a picture in one piece. May be empty
  /// Bytes that the call may take now besides weights and result. What needs more goes through in tiles. Empty: as many as it likes.
  std::function<std::size_t()> memory;
};

/// Sizes of tiles in pixels of the picture. What isn't a multiple of the downscale is rounded down.
struct VaeTiles {
  std::int64_t tile = 512, overlap = 128;
};

/// An autoencoder. Immutable for its users and safe for any number of threads: encoder and decoder are packed apart, each when it is
/// first used, and the pages of the file that this read are given back.
class Vae {
 public:
  virtual ~Vae() = default;

  virtual const VaeInfo& info() const = 0;
  /// Bytes of the packed weights; 0 while nothing was used.
  virtual std::size_t bytes() const = 0;
  /// The tensors by the names of the single-file form ("decoder.conv_in.weight"), as the file has them: what VAESave writes.
  virtual StateDict state_dict() const = 0;
  /// Gives the packed form back; who computes with it keeps it. The next call packs it again.
  virtual void drop() const = 0;

  /// `latent` float32 [B,C,h,w], not scaled -> float32 [B,h*downscale,w*downscale,3] in 0..1; NaN stays NaN (and is saved as black).
  /// A batch goes through one by one. Falls back to tiles where there is too little memory even without the models that nobody uses, or
  /// where the allocator gives up even without them. Throws InvalidInput for another number of channels or an empty latent, OutOfMemory
  /// when even small tiles don't fit.
  at::Tensor decode(const at::Tensor& latent, const VaeRun& run) const;
  /// `image` float32 [B,H,W,C] in 0..1, C >= 3 -> the mean, float32 [B,C,h,w]. Cut to multiples of the downscale around the centre;
  /// channels beyond the third are dropped. Throws as decode() does.
  at::Tensor encode(const at::Tensor& image, const VaeRun& run) const;
  /// The same in three passes of tiles (tile/2 x tile*2, tile*2 x tile/2, tile x tile), each blended with linear ramps, averaged.
  at::Tensor decode_tiled(const at::Tensor& latent, const VaeTiles& tiles, const VaeRun& run) const;
  at::Tensor encode_tiled(const at::Tensor& image, const VaeTiles& tiles, const VaeRun& run) const;

 protected:
  /// One picture. `latent` float32 [1,C,h,w] -> float32 [1,3,h*downscale,w*downscale], nominally 0..1, not clamped.
  virtual at::Tensor decode_one(const at::Tensor& latent, const std::function<void()>& check) const = 0;
  /// `image` float32 [1,3,H,W] in channels-last memory, H and W multiples of the downscale -> float32 [1,C,h,w].
  virtual at::Tensor encode_one(const at::Tensor& image, const std::function<void()>& check) const = 0;
  /// Most bytes that decode_one() or encode_one() has at once for a picture of that size in pixels.
  virtual std::size_t decode_need(std::int64_t height, std::int64_t width) const = 0;
  virtual std::size_t encode_need(std::int64_t height, std::int64_t width) const = 0;
  /// Makes other models that nobody uses give up about so many bytes; how many they did.
  virtual std::size_t make_room(std::size_t /*bytes*/) const { return 0; }
};

/// The autoencoder in a file, told by names and shapes: below `first_stage_model.` or `vae.` (checkpoints), bare, or in diffusers' key form.
/// Any widths and depths. Null when the file has none; throws InvalidInput that names the tensor when it has a broken one.
std::shared_ptr<const Vae> load_vae(const Weights& weights, const Compute& compute = {});

/// TAESD out of its two files; `scale` is the latents' (LatentFormat::scale), which the small network works in.
/// An empty `encoder` or `decoder` is allowed where only the other is used. Throws InvalidInput that names the tensor.
std::shared_ptr<const Vae> load_taesd(const Weights* encoder, const Weights* decoder, double scale, const Compute& compute = {});

/// Latents are the picture itself: 2*image - 1, at full size.
std::shared_ptr<const Vae> pixel_space_vae();

}  // namespace darkroom
