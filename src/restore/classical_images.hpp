#pragma once
// Between tensors and OpenCV's matrices; private to the classical filters.

#include <ATen/core/Tensor.h>

#include <opencv2/core.hpp>

namespace darkroom {

/// Checks shape and type; a contiguous copy where the tensor isn't one. `who` begins the error.
at::Tensor checked_image(const at::Tensor& image, const char* who);
/// Picture `index` of a checked batch as CV_32FC3 over the same memory.
cv::Mat picture_of(const at::Tensor& image, std::int64_t index);
/// The same in 8-bit steps, rounded.
cv::Mat bytes_of(const cv::Mat& picture);
/// Are its three channels equal everywhere?
bool is_grey(const cv::Mat& bytes);

}  // namespace darkroom
