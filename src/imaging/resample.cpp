#include "imaging/resample.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"

namespace darkroom::imaging {
namespace {

constexpr int kBits = 32 - 8 - 2;  // room for the sign and for kernels that overshoot
constexpr int kHalf = 1 << (kBits - 1);
constexpr double kPi = 3.14159265358979323846;

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= kPi;
  return std::sin(x) / x;
}

double weight(Filter filter, double x) {
  switch (filter) {
    case Filter::kBilinear:
      x = std::abs(x);
      return x < 1.0 ? 1.0 - x : 0.0;
    case Filter::kBicubic: {
      constexpr double a = -0.5;
      x = std::abs(x);
      if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
      if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
      return 0.0;
    }
    case Filter::kLanczos: return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
  }
  return 0.0;
}

double support_of(Filter filter) { return filter == Filter::kBilinear ? 1.0 : filter == Filter::kBicubic ? 2.0 : 3.0; }

/// For every place of the output: the first input that counts, how many, and their weights.
struct Kernel {
  int taps = 0;
  std::vector<int> first, count;
  std::vector<std::int32_t> weights;  ///< taps a place
};

Kernel make_kernel(int size, int new_size, Filter filter) {
  const double scale = static_cast<double>(size) / new_size;
  const double stretch = std::max(scale, 1.0);
  const double support = support_of(filter) * stretch;
  Kernel kernel;
  kernel.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  kernel.first.resize(new_size);
  kernel.count.resize(new_size);
  kernel.weights.assign(static_cast<std::size_t>(new_size) * kernel.taps, 0);
  std::vector<double> row(kernel.taps);
  for (int i = 0; i < new_size; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), size) - first;
    double sum = 0;
    for (int k = 0; k < count; ++k) sum += row[k] = weight(filter, (k + first - center + 0.5) * (1.0 / stretch));
    for (int k = 0; k < count; ++k) {
      const double fixed = (sum != 0.0 ? row[k] / sum : row[k]) * (1 << kBits);
      kernel.weights[static_cast<std::size_t>(i) * kernel.taps + k] = static_cast<std::int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    kernel.first[i] = first;
    kernel.count[i] = count;
  }
  return kernel;
}

std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kBits, 0, 255)); }

template <int channels>
void resample_rows(const std::uint8_t* in, int width, int height, std::uint8_t* out, int new_width, const Kernel& kernel) {
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = in + static_cast<std::size_t>(y) * width * channels;
    for (int x = 0; x < new_width; ++x) {
      std::int32_t sum[channels];
      std::fill_n(sum, channels, kHalf);
      const std::int32_t* weights = &kernel.weights[static_cast<std::size_t>(x) * kernel.taps];
      const std::uint8_t* from = row + static_cast<std::size_t>(kernel.first[x]) * channels;
      for (int k = 0; k < kernel.count[x]; ++k, from += channels)
        for (int c = 0; c < channels; ++c) sum[c] += from[c] * weights[k];
      for (int c = 0; c < channels; ++c) *out++ = to_byte(sum[c]);
    }
  }
}

void resample_columns(const std::uint8_t* in, std::size_t stride, std::uint8_t* out, int new_height, const Kernel& kernel) {
  std::vector<std::int32_t> sum(stride);
  for (int y = 0; y < new_height; ++y) {
    std::fill(sum.begin(), sum.end(), kHalf);
    for (int k = 0; k < kernel.count[y]; ++k) {
      const std::int32_t w = kernel.weights[static_cast<std::size_t>(y) * kernel.taps + k];
      const std::uint8_t* row = in + (kernel.first[y] + k) * stride;
      for (std::size_t i = 0; i < stride; ++i) sum[i] += row[i] * w;
    }
    for (std::size_t i = 0; i < stride; ++i) *out++ = to_byte(sum[i]);
  }
}

using Bytes = std::vector<std::uint8_t>;

Bytes resize_width(const Bytes& pixels, int width, int height, int channels, int new_width, Filter filter) {
  if (new_width == width) return pixels;
  Bytes out(static_cast<std::size_t>(new_width) * height * channels);
  const Kernel kernel = make_kernel(width, new_width, filter);
  switch (channels) {
    case 1: resample_rows<1>(pixels.data(), width, height, out.data(), new_width, kernel); break;
    case 2: resample_rows<2>(pixels.data(), width, height, out.data(), new_width, kernel); break;
    case 3: resample_rows<3>(pixels.data(), width, height, out.data(), new_width, kernel); break;
    default: resample_rows<4>(pixels.data(), width, height, out.data(), new_width, kernel);
  }
  return out;
}

Bytes resize_height(const Bytes& pixels, int width, int height, int channels, int new_height, Filter filter) {
  if (new_height == height) return pixels;
  const std::size_t stride = static_cast<std::size_t>(width) * channels;
  Bytes out(stride * new_height);
  resample_columns(pixels.data(), stride, out.data(), new_height, make_kernel(height, new_height, filter));
  return out;
}

Bytes resample_plain(const std::uint8_t* pixels, int width, int height, int channels, int new_width, int new_height, Filter filter) {
  Bytes source(pixels, pixels + static_cast<std::size_t>(width) * height * channels);
  // Pillow 13 starts with the columns when the height shrinks much more than the width; rounding makes the order visible.
  if (new_height < height && height - new_height > 2 * (width - new_width))
    return resize_width(resize_height(source, width, height, channels, new_height, filter), width, new_height, channels, new_width, filter);
  return resize_height(resize_width(source, width, height, channels, new_width, filter), new_width, height, channels, new_height, filter);
}

std::uint8_t times_over_255(int a, int b) {
  const int product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

}  // namespace

std::vector<std::uint8_t> resample(const std::uint8_t* pixels, int width, int height, int channels, int new_width, int new_height,
                                   Filter filter) {
  if (width < 1 || height < 1 || new_width < 1 || new_height < 1)
    throw InvalidInput("height and width must be > 0, got " + std::to_string(new_width) + "x" + std::to_string(new_height));
  if (channels < 1 || channels > 4) throw InvalidInput("can't resize a picture of " + std::to_string(channels) + " channels in 8 bits");
  if (channels != 4 || (new_width == width && new_height == height))
    return resample_plain(pixels, width, height, channels, new_width, new_height, filter);

  std::vector<std::uint8_t> weighted(pixels, pixels + static_cast<std::size_t>(width) * height * 4);
  for (std::size_t i = 0; i < weighted.size(); i += 4)
    for (int c = 0; c < 3; ++c) weighted[i + c] = times_over_255(weighted[i + c], weighted[i + 3]);
  auto out = resample_plain(weighted.data(), width, height, 4, new_width, new_height, filter);
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const int alpha = out[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (int c = 0; c < 3; ++c) out[i + c] = static_cast<std::uint8_t>(std::min(255 * out[i + c] / alpha, 255));
  }
  return out;
}

}  // namespace darkroom::imaging
