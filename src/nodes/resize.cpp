#include "nodes/resize.hpp"

#include <ATen/ops/_upsample_nearest_exact2d.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/empty.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "imaging/resample.hpp"
#include "nodes/bislerp.hpp"
#include "nodes/limits.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// Through 8 bits, truncated, as pictures are saved: picture by picture, since the filter is Pillow's.
at::Tensor lanczos(const at::Tensor& pictures, std::int64_t width, std::int64_t height) {
  const std::int64_t channels = pictures.size(1);
  if (channels > 4) throw InvalidInput("lanczos: expected 1 to 4 channels, got " + describe(pictures));
  const at::Tensor bytes = (pictures * 255.0).clamp(0, 255).to(at::kByte).permute({0, 2, 3, 1}).contiguous();
  at::Tensor result = at::empty({bytes.size(0), height, width, channels}, bytes.options());
  for (std::int64_t i = 0; i < bytes.size(0); ++i) {
    const auto resized = imaging::resample(bytes.select(0, i).const_data_ptr<std::uint8_t>(), static_cast<int>(bytes.size(2)),
                                           static_cast<int>(bytes.size(1)), static_cast<int>(channels), static_cast<int>(width),
                                           static_cast<int>(height), imaging::Filter::kLanczos);
    std::copy(resized.begin(), resized.end(), result.select(0, i).mutable_data_ptr<std::uint8_t>());
  }
  return result.permute({0, 3, 1, 2}).to(at::kFloat) / 255.0;
}

at::Tensor resize_4d(const at::Tensor& picture, std::int64_t width, std::int64_t height, std::string_view method) {
  const std::int64_t size[] = {height, width};
  if (method == "bilinear") return at::upsample_bilinear2d(picture, size, /*align_corners=*/false);
  if (method == "nearest-exact") return at::_upsample_nearest_exact2d(picture, size);
  if (method == "bicubic") return at::upsample_bicubic2d(picture, size, /*align_corners=*/false);
  if (method == "area") return at::adaptive_avg_pool2d(picture, size);
  if (method == "lanczos") return lanczos(picture, width, height);
  if (method == "bislerp") return bislerp(picture, width, height);
  throw InvalidInput("upscale_method: unknown method '" + std::string(method) + "'");
}

}  // namespace

at::Tensor crop_to_aspect(const at::Tensor& tensor, std::int64_t width, std::int64_t height) {
  const auto old_width = static_cast<double>(tensor.size(-1)), old_height = static_cast<double>(tensor.size(-2));
  const double old_aspect = old_width / old_height, new_aspect = static_cast<double>(width) / static_cast<double>(height);
  std::int64_t x = 0, y = 0;
  // nearbyint rounds half to even, as Python's round() does.
  if (old_aspect > new_aspect) x = static_cast<std::int64_t>(std::nearbyint((old_width - old_width * (new_aspect / old_aspect)) / 2));
  if (old_aspect < new_aspect) y = static_cast<std::int64_t>(std::nearbyint((old_height - old_height * (old_aspect / new_aspect)) / 2));
  return tensor.narrow(-2, y, tensor.size(-2) - 2 * y).narrow(-1, x, tensor.size(-1) - 2 * x);
}

at::Tensor common_upscale(const at::Tensor& bchw, std::int64_t width, std::int64_t height, std::string_view method, std::string_view crop) {
  if (bchw.dim() != 4 && bchw.dim() != 5) throw InvalidInput("resize: expected [B,C,H,W], got " + describe(bchw));
  if (width < 1 || height < 1) throw InvalidInput("resize: a picture of " + std::to_string(width) + "x" + std::to_string(height) + " can't be made");
  if (bchw.numel() == 0) throw InvalidInput("resize: an empty picture " + describe(bchw) + " can't be resized");
  check_tensor_size("resize", {bchw.numel() / (bchw.size(-1) * bchw.size(-2)), height, width});

  at::Tensor source = bchw;
  if (bchw.dim() == 5) source = bchw.movedim(2, 1).reshape({-1, bchw.size(1), bchw.size(3), bchw.size(4)});
  if (crop == "center") {
    source = crop_to_aspect(source, width, height);
    if (source.numel() == 0) throw InvalidInput("resize: nothing is left of " + describe(bchw) + " in that aspect ratio");
  }
  at::Tensor result = resize_4d(source, width, height, method);
  if (bchw.dim() == 5) result = result.reshape({bchw.size(0), bchw.size(2), bchw.size(1), height, width}).movedim(1, 2);
  return result;
}

at::Tensor repeat_to_batch(const at::Tensor& tensor, std::int64_t batch) {
  const std::int64_t have = tensor.size(0);
  if (have == batch) return tensor;
  if (have > batch) return tensor.narrow(0, 0, batch);
  if (have == 0) throw InvalidInput("an empty batch " + describe(tensor) + " can't be repeated");
  check_tensor_size("batch", {batch, tensor.numel() / have});
  std::vector<std::int64_t> repeats(static_cast<std::size_t>(tensor.dim()), 1);
  repeats[0] = (batch + have - 1) / have;
  return tensor.repeat(repeats).narrow(0, 0, batch);
}

}  // namespace darkroom
