#include "diffusion/preview.hpp"

#include "base/error.hpp"
#include "diffusion/vae.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

/// [H,W,3] in 0..1.
PreviewPicture picture_of(const at::Tensor& image) {
  // NaN has no level: it is shown black.
  const auto levels = image.mul(255).nan_to_num(0.0).clamp_(0, 255).to(at::kByte).contiguous();
  const auto* bytes = levels.const_data_ptr<std::uint8_t>();
  return {.rgb = {bytes, bytes + levels.numel()}, .width = static_cast<int>(levels.size(1)), .height = static_cast<int>(levels.size(0))};
}

}  // namespace

PreviewPicture linear_preview(const at::Tensor& latent, const LatentFormat& format) {
  if (latent.dim() != 4 || latent.size(0) == 0 || latent.size(1) != static_cast<std::int64_t>(format.rgb.size()))
    throw InvalidInput("preview: a latent of shape " + shape_text(latent) + " for a mix of " + std::to_string(format.rgb.size()) + " channels");
  const auto first = latent[0].to(at::kCPU, at::kFloat);
  std::vector<at::Tensor> colours;
  for (std::size_t c = 0; c < 3; ++c) {
    auto colour = at::full({first.size(1), first.size(2)}, format.rgb_bias[c], at::kFloat);
    for (std::size_t k = 0; k < format.rgb.size(); ++k) colour.add_(first[static_cast<std::int64_t>(k)], format.rgb[k][c]);
    colours.push_back(colour.add_(1).div_(2).unsqueeze(2));
  }
  return picture_of(concat(colours, 2));
}

PreviewPicture decoded_preview(const at::Tensor& latent, const Vae& taesd) {
  return picture_of(taesd.decode(latent.narrow(0, 0, 1).to(at::kCPU, at::kFloat), {})[0]);
}

}  // namespace darkroom
