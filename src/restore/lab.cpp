#include "restore/lab.hpp"

#include <ATen/ops/empty.h>

#include <opencv2/imgproc.hpp>

#include "base/error.hpp"
#include "tensor/weights.hpp"

namespace darkroom {
namespace {

/// The tensor's memory as OpenCV's picture.
cv::Mat view(const at::Tensor& image) {
  return {static_cast<int>(image.size(0)), static_cast<int>(image.size(1)), CV_32FC(static_cast<int>(image.size(2))), const_cast<float*>(image.const_data_ptr<float>())};
}

at::Tensor checked(const at::Tensor& image, const char* what) {
  if (image.dim() != 3 || image.size(2) != 3 || image.numel() == 0) throw InvalidInput(std::string(what) + ": expected a picture [H,W,3], got " + shape_text(image));
  return image.to(at::kCPU, at::kFloat).contiguous();
}

at::Tensor converted(const at::Tensor& image, int code) {
  auto result = at::empty(image.sizes(), at::kFloat);
  auto target = view(result);
  cv::cvtColor(view(image), target, code);
  return result;
}

}  // namespace

at::Tensor rgb_to_lab(const at::Tensor& rgb) { return converted(checked(rgb, "rgb_to_lab"), cv::COLOR_RGB2Lab); }
at::Tensor lab_to_rgb(const at::Tensor& lab) { return converted(checked(lab, "lab_to_rgb"), cv::COLOR_Lab2RGB); }

at::Tensor resize_linear(const at::Tensor& image, std::int64_t height, std::int64_t width) {
  const auto from = checked(image, "resize_linear");
  auto result = at::empty({height, width, from.size(2)}, at::kFloat);
  auto target = view(result);
  cv::resize(view(from), target, target.size(), 0, 0, cv::INTER_LINEAR);
  return result;
}

}  // namespace darkroom
