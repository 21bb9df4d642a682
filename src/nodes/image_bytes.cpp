#include "nodes/image_bytes.hpp"

#include <ATen/ops/empty.h>

#include <array>

namespace darkroom {

at::Tensor image_from_bytes(const std::uint8_t* bytes, at::IntArrayRef shape) {
  static const auto kUnit = [] {
    std::array<float, 256> table;
    for (int v = 0; v < 256; ++v) table[static_cast<std::size_t>(v)] = static_cast<float>(v) / 255.0F;
    return table;
  }();
  at::Tensor image = at::empty(shape, at::kFloat);
  float* out = image.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < image.numel(); ++i) out[i] = kUnit[bytes[i]];
  return image;
}

std::vector<std::uint8_t> image_to_bytes(const at::Tensor& image) {
  const at::Tensor flat = image.to(at::kFloat).contiguous();
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(flat.numel()));
  const float* in = flat.const_data_ptr<float>();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const float level = 255.0F * in[i];
    // Written so that NaN fails the first test.
    bytes[i] = level > 0.0F ? static_cast<std::uint8_t>(level < 255.0F ? static_cast<int>(level) : 255) : std::uint8_t{0};
  }
  return bytes;
}

}  // namespace darkroom
