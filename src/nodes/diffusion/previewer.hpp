#pragma once
// The pictures that a sampler node shows of its steps (protocol.md §6.9).

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "diffusion/latent_format.hpp"
#include "worker/node.hpp"

namespace darkroom {

class Vae;

/// Encodes previews for one run of a sampler. Made once a run.
class Previewer {
 public:
  static constexpr const char* kFormat = "JPEG";

  /// By the prompt's preview method: "none" gives null, "taesd" the small decoder of the format if its file is there, everything else
  /// (and "taesd" without a file) a linear mix of the channels. Null too for a format that can't be shown.
  static std::unique_ptr<const Previewer> make(const LatentFormat& format, Context& context);

  /// The first picture of `denoised` [B,C,h,w] as JPEG within Context::preview_size, for Context::progress.
  std::string operator()(const at::Tensor& denoised) const;

 private:
  Previewer(const LatentFormat& format, std::shared_ptr<const Vae> taesd, int most_side) : format_(format), taesd_(std::move(taesd)), most_side_(most_side) {}
  const LatentFormat& format_;
  std::shared_ptr<const Vae> taesd_;  ///< null: the linear mix
  int most_side_;
};

}  // namespace darkroom
