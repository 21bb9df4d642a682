#include <opencv2/imgproc.hpp>

#include "base/error.hpp"
#include "restore/classical.hpp"
#include "restore/classical_images.hpp"

namespace darkroom {

at::Tensor sharpen_luminance(const at::Tensor& image, double amount, double radius, const ClassicalProgress& progress) {
  if (!(amount >= 0 && amount <= 10) || !(radius > 0 && radius <= 50)) throw InvalidInput("sharpen: amount must be from 0 to 10, radius above 0 and at most 50");
  const at::Tensor input = checked_image(image, "sharpen");
  if (amount == 0) return input;
  at::Tensor output = input.clone();
  for (std::int64_t i = 0; i < input.size(0); ++i) {
    progress(i, input.size(0));
    cv::Mat lab, blurred, lightness;
    cv::cvtColor(picture_of(input, i), lab, cv::COLOR_RGB2Lab);
    cv::extractChannel(lab, lightness, 0);
    cv::GaussianBlur(lightness, blurred, {}, radius);
    cv::addWeighted(lightness, 1 + amount, blurred, -amount, 0, lightness);
    cv::insertChannel(lightness, lab, 0);
    cv::Mat out = picture_of(output, i);
    cv::cvtColor(lab, out, cv::COLOR_Lab2RGB);
  }
  progress(input.size(0), input.size(0));
  return output.clamp_(0, 1);
}

}  // namespace darkroom
