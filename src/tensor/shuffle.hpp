#pragma once
// Sub-pixel enlargement (Shi et al. 2016) with the ReLU before it and the blur behind it (Sugawara et al. 2018).

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace darkroom {

/// A layer's outputs [C * factor^2, ...] sorted as the functions below want what it computes: by place in the enlarged pixel, then channel.
at::Tensor sorted_by_place(const at::Tensor& outputs, std::int64_t factor);

/// x [height * width, factor^2 * C] -> ReLU, enlarged, each pixel the mean of itself and its neighbours left, above and left above (the
/// edge repeated), into `out` [1,C,height * factor,width * factor], which may be a range of the channels of a channels-last tensor.
void shuffle_blur(const at::Tensor& x, std::int64_t height, std::int64_t width, std::int64_t factor, const at::Tensor& out);

/// x [pixels, places * C], float32 or a half; vectors [2,C], float32 -> [pixels, places, 2], float32: relu(x) times each vector. What a
/// 1x1 convolution to two channels behind ReLU and shuffle gives, without the shuffled picture.
at::Tensor shuffle_project(const at::Tensor& x, const at::Tensor& vectors);

}  // namespace darkroom
