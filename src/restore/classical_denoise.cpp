#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>

#include "base/error.hpp"
#include "restore/classical.hpp"
#include "restore/classical_images.hpp"

namespace darkroom {
namespace {

constexpr int kTemplate = 7, kSearch = 21;          ///< windows, pixels
constexpr int kReach = (kTemplate + kSearch) / 2;   ///< how far a pixel's result looks
constexpr int kBand = 64;                           ///< rows at a time
constexpr double kStrength = 0.8;                   ///< h over sigma: between too little (0.6) and blurred (1.0)

/// One band of rows without noise; `above` and `below` rows around it are seen and not kept.
cv::Mat clean_band(const cv::Mat& bytes, int first, int last, float h, bool grey) {
  const int from = std::max(0, first - kReach), to = std::min(bytes.rows, last + kReach);
  const cv::Mat band = bytes.rowRange(from, to);
  cv::Mat clean;
  if (grey) {
    cv::Mat one, cleaned;
    cv::extractChannel(band, one, 0);
    cv::fastNlMeansDenoising(one, cleaned, h, kTemplate, kSearch);
    cv::cvtColor(cleaned, clean, cv::COLOR_GRAY2RGB);
  } else {
    cv::fastNlMeansDenoisingColored(band, clean, h, h, kTemplate, kSearch);
  }
  return clean.rowRange(first - from, last - from).clone();
}

}  // namespace

at::Tensor denoise_non_local_means(const at::Tensor& image, double sigma, const ClassicalProgress& progress) {
  if (!(sigma >= 0 && sigma <= 75)) throw InvalidInput("denoise: the noise must be from 0 to 75");
  const at::Tensor input = checked_image(image, "denoise");
  if (sigma == 0) return input;
  at::Tensor output = input.clone();
  const std::int64_t bands = (input.size(1) + kBand - 1) / kBand, all = bands * input.size(0);
  for (std::int64_t i = 0; i < input.size(0); ++i) {
    const cv::Mat bytes = bytes_of(picture_of(input, i));
    cv::Mat out = picture_of(output, i);
    const bool grey = is_grey(bytes);
    for (std::int64_t band = 0; band < bands; ++band) {
      progress(i * bands + band, all);
      const int first = static_cast<int>(band) * kBand, last = std::min(bytes.rows, first + kBand);
      const cv::Mat clean = clean_band(bytes, first, last, static_cast<float>(kStrength * sigma), grey);
      cv::Mat change;
      cv::subtract(clean, bytes.rowRange(first, last), change, cv::noArray(), CV_32FC3);
      cv::Mat rows = out.rowRange(first, last);
      cv::scaleAdd(change, 1.0 / 255, rows, rows);
    }
  }
  progress(all, all);
  return output.clamp_(0, 1);
}

}  // namespace darkroom
