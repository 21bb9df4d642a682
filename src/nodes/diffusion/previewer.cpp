#include "nodes/diffusion/previewer.hpp"

#include "diffusion/preview.hpp"
#include "diffusion/vae.hpp"
#include "imaging/preview.hpp"
#include "nodes/model_files.hpp"
#include "storage/folders.hpp"
#include "storage/unlisted_models.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

/// The decoder of the format's small autoencoder, kept for the next run; null when it isn't there or no such thing.
std::shared_ptr<const Vae> taesd_of(const LatentFormat& format, Context& context) {
  const auto file = find_taesd_decoder(format.taesd, context.folders());
  if (!file) return nullptr;
  const auto compute = convolution_compute_of(context);
  try {
    auto taesd = model_files<Vae>(context, "preview_decoders")->get(*file, compute, [&](const std::filesystem::path& path) {
      const Weights weights(std::make_shared<const StateDict>(load_checkpoint(path)));
      return load_taesd(nullptr, &weights, /*scale=*/1, compute);
    });
    return taesd->info().latent_channels == format.channels ? taesd : nullptr;
  } catch (const InvalidInput&) {
    return nullptr;  // a broken file costs the fine preview, not the picture
  }
}

}  // namespace

std::unique_ptr<const Previewer> Previewer::make(const LatentFormat& format, Context& context) {
  const auto method = context.preview_method();
  if (method == "none") return nullptr;
  auto taesd = method == "taesd" ? taesd_of(format, context) : nullptr;
  if (!taesd && format.rgb.empty()) return nullptr;
  return std::unique_ptr<const Previewer>(new Previewer(format, std::move(taesd), context.preview_size()));
}

std::string Previewer::operator()(const at::Tensor& denoised) const {
  const auto picture = taesd_ ? decoded_preview(denoised, *taesd_) : linear_preview(denoised, format_);
  return imaging::encode_preview(picture.rgb.data(), picture.width, picture.height, kFormat, most_side_);
}

}  // namespace darkroom
