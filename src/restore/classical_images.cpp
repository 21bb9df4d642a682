#include "restore/classical_images.hpp"

#include <string>

#include "base/error.hpp"

namespace darkroom {

at::Tensor checked_image(const at::Tensor& image, const char* who) {
  if (image.dim() != 4 || image.size(3) != 3 || image.scalar_type() != at::kFloat)
    throw InvalidInput(std::string(who) + ": expected RGB images [B,H,W,3]");
  return image.cpu().contiguous();
}

cv::Mat picture_of(const at::Tensor& image, std::int64_t index) {
  const int height = static_cast<int>(image.size(1)), width = static_cast<int>(image.size(2));
  return {height, width, CV_32FC3, image.data_ptr<float>() + index * height * width * 3};
}

cv::Mat bytes_of(const cv::Mat& picture) {
  cv::Mat bytes;
  picture.convertTo(bytes, CV_8UC3, 255);
  return bytes;
}

bool is_grey(const cv::Mat& bytes) {
  for (int y = 0; y < bytes.rows; ++y) {
    const auto* pixel = bytes.ptr<cv::Vec3b>(y);
    for (int x = 0; x < bytes.cols; ++x)
      if (pixel[x][0] != pixel[x][1] || pixel[x][1] != pixel[x][2]) return false;
  }
  return true;
}

}  // namespace darkroom
