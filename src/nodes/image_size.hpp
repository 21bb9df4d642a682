#pragma once
// Bringing pictures [B,H,W,C] to a size, a channel count and a batch.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace darkroom {

/// Python's round(): half to even.
std::int64_t round_even(double value);

/// common_upscale() for images [B,H,W,C].
at::Tensor resize_image(const at::Tensor& image, std::int64_t width, std::int64_t height, std::string_view method, std::string_view crop);

/// Cuts channels off, or adds ones (an opaque alpha), until there are `channels`.
at::Tensor with_channels(const at::Tensor& image, std::int64_t channels);

/// Gives the image with fewer channels a channel of ones (an opaque alpha) until both have the same number.
std::pair<at::Tensor, at::Tensor> match_channels(at::Tensor a, at::Tensor b);

/// One batch out of several: all take the first one's size (`method`, centre crop) and the largest channel count.
at::Tensor batch_images(const std::vector<at::Tensor>& images, std::string_view method);

}  // namespace darkroom
