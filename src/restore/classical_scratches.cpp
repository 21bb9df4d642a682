#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "ATen/ops/zeros.h"
#include "base/error.hpp"
#include "restore/classical.hpp"
#include "restore/classical_images.hpp"

namespace darkroom {
namespace {

constexpr int kHat = 9;            ///< pixels: wider than a scratch
constexpr double kFaint = 30, kStrong = 75;  ///< contrast in 8-bit steps from which on a line counts, at sensitivity 1 and 0
constexpr int kShortest = 40;      ///< pixels
constexpr double kThinnest = 5;    ///< length over width
constexpr double kInpaintRadius = 3;

/// Adds to `mask` the long thin ones among what stands out.
void add_lines(const cv::Mat& contrast, double threshold, cv::Mat& mask) {
  cv::Mat strong, labels, stats, centres;
  cv::threshold(contrast, strong, threshold, 255, cv::THRESH_BINARY);
  const int count = cv::connectedComponentsWithStats(strong, labels, stats, centres, 8, CV_32S);
  std::vector<std::uint8_t> keep(static_cast<std::size_t>(count), 0);
  for (int label = 1; label < count; ++label) {
    const int width = stats.at<int>(label, cv::CC_STAT_WIDTH), height = stats.at<int>(label, cv::CC_STAT_HEIGHT);
    const double length = std::max(width, height), area = stats.at<int>(label, cv::CC_STAT_AREA);
    keep[static_cast<std::size_t>(label)] = length >= kShortest && length * length / area >= kThinnest ? 255 : 0;
  }
  for (int y = 0; y < labels.rows; ++y)
    for (int x = 0; x < labels.cols; ++x)
      if (keep[static_cast<std::size_t>(labels.at<int>(y, x))]) mask.at<std::uint8_t>(y, x) = 255;
}

cv::Mat scratch_mask(const cv::Mat& bytes, double threshold) {
  cv::Mat grey, contrast, mask = cv::Mat::zeros(bytes.size(), CV_8U);
  cv::cvtColor(bytes, grey, cv::COLOR_RGB2GRAY);
  const cv::Mat element = cv::getStructuringElement(cv::MORPH_ELLIPSE, {kHat, kHat});
  for (const int hat : {cv::MORPH_TOPHAT, cv::MORPH_BLACKHAT}) {
    cv::morphologyEx(grey, contrast, hat, element);
    add_lines(contrast, threshold, mask);
  }
  cv::dilate(mask, mask, cv::getStructuringElement(cv::MORPH_RECT, {3, 3}));
  return mask;
}

}  // namespace

at::Tensor find_scratches(const at::Tensor& image, double sensitivity) {
  if (!(sensitivity >= 0 && sensitivity <= 1)) throw InvalidInput("scratches: the sensitivity must be from 0 to 1");
  const at::Tensor input = checked_image(image, "scratches");
  const int height = static_cast<int>(input.size(1)), width = static_cast<int>(input.size(2));
  at::Tensor masks = at::zeros({input.size(0), height, width}, at::kFloat);
  for (std::int64_t i = 0; i < input.size(0); ++i) {
    cv::Mat out(height, width, CV_32F, masks.data_ptr<float>() + i * height * width);
    scratch_mask(bytes_of(picture_of(input, i)), kStrong + (kFaint - kStrong) * sensitivity).convertTo(out, CV_32F, 1.0 / 255);
  }
  return masks;
}

at::Tensor inpaint(const at::Tensor& image, const at::Tensor& mask, const ClassicalProgress& progress) {
  const at::Tensor input = checked_image(image, "inpaint");
  if (mask.dim() != 3 || mask.size(1) != input.size(1) || mask.size(2) != input.size(2) || (mask.size(0) != 1 && mask.size(0) != input.size(0)))
    throw InvalidInput("inpaint: the mask must have the size of the image");
  const at::Tensor covered = mask.cpu().to(at::kFloat).contiguous();
  at::Tensor output = input.clone();
  for (std::int64_t i = 0; i < input.size(0); ++i) {
    progress(i, input.size(0));
    const int height = static_cast<int>(input.size(1)), width = static_cast<int>(input.size(2));
    const cv::Mat given(height, width, CV_32F, covered.data_ptr<float>() + (covered.size(0) == 1 ? 0 : i) * height * width);
    const cv::Mat hole = given > 0.5;
    if (cv::countNonZero(hole) == 0) continue;
    cv::Mat filled;
    cv::inpaint(bytes_of(picture_of(input, i)), hole, filled, kInpaintRadius, cv::INPAINT_TELEA);
    filled.convertTo(filled, CV_32FC3, 1.0 / 255);
    cv::Mat out = picture_of(output, i);
    filled.copyTo(out, hole);  // all else keeps its full depth
  }
  progress(input.size(0), input.size(0));
  return output;
}

}  // namespace darkroom
