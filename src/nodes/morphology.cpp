#include "nodes/morphology.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace darkroom {
namespace {

struct Max {
  static constexpr float kNone = -std::numeric_limits<float>::infinity();
  static float of(float a, float b) { return std::max(a, b); }
};
struct Min {
  static constexpr float kNone = std::numeric_limits<float>::infinity();
  static float of(float a, float b) { return std::min(a, b); }
};

/// Running extremes of windows of `size` that start `before` places ahead of each element, over lines of `length` elements
/// `stride` apart. Van Herk (1992): extremes from both ends of blocks of `size`, so three comparisons an element.
template <class Extreme>
class LineFilter {
 public:
  LineFilter(std::int64_t length, std::int64_t size, std::int64_t before)
      : length_(length), size_(size), before_(before), padded_((length + 2 * size - 1) / size * size), line_(padded_), forth_(padded_), back_(padded_) {}

  void run(float* values, std::int64_t stride) {
    std::fill(line_.begin(), line_.end(), Extreme::kNone);
    for (std::int64_t i = 0; i < length_; ++i) line_[i + before_] = values[i * stride];
    for (std::int64_t i = 0; i < padded_; ++i) forth_[i] = i % size_ == 0 ? line_[i] : Extreme::of(forth_[i - 1], line_[i]);
    for (std::int64_t i = padded_ - 1; i >= 0; --i) back_[i] = i % size_ == size_ - 1 ? line_[i] : Extreme::of(back_[i + 1], line_[i]);
    for (std::int64_t i = 0; i < length_; ++i) values[i * stride] = Extreme::of(back_[i], forth_[i + size_ - 1]);
  }

 private:
  std::int64_t length_, size_, before_, padded_;
  std::vector<float> line_, forth_, back_;
};

template <class Extreme>
at::Tensor filter(const at::Tensor& image, std::int64_t size, std::int64_t before) {
  const at::Tensor out = image.contiguous().clone();
  auto* values = out.mutable_data_ptr<float>();
  const std::int64_t height = out.size(2), width = out.size(3);
  LineFilter<Extreme> across(width, size, before), down(height, size, before);
  for (std::int64_t plane = 0; plane < out.size(0) * out.size(1); ++plane, values += height * width) {
    for (std::int64_t y = 0; y < height; ++y) across.run(values + y * width, 1);
    for (std::int64_t x = 0; x < width; ++x) down.run(values + x, width);
  }
  return out;
}

// The square's origin is size / 2; dilation reflects it, which shows for even sizes.
at::Tensor erode(const at::Tensor& image, std::int64_t size) { return filter<Min>(image, size, size / 2); }
at::Tensor dilate(const at::Tensor& image, std::int64_t size) { return filter<Max>(image, size, size - size / 2 - 1); }

}  // namespace

at::Tensor morphology(const at::Tensor& image, std::string_view operation, std::int64_t size) {
  if (size < 1) throw InvalidInput("kernel_size: expected 1 or more, got " + std::to_string(size));
  if (operation == "erode") return erode(image, size);
  if (operation == "dilate") return dilate(image, size);
  if (operation == "open") return dilate(erode(image, size), size);
  if (operation == "close") return erode(dilate(image, size), size);
  if (operation == "gradient") return dilate(image, size) - erode(image, size);
  if (operation == "top_hat") return image - dilate(erode(image, size), size);
  if (operation == "bottom_hat") return erode(dilate(image, size), size) - image;
  throw InvalidInput("Invalid operation " + std::string(operation) + " for morphology. Must be one of 'erode', 'dilate', 'open', 'close', 'gradient', 'tophat', 'bottomhat'");
}

}  // namespace darkroom
