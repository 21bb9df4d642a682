#include "imaging/quantize.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace darkroom::imaging {
namespace {

/// Nearest palette entries by colour, remembered for 64 steps an axis.
class NearestColor {
 public:
  explicit NearestColor(const Palette& palette) : palette_(palette), known_(64 * 64 * 64, kUnknown) {
    if (palette.empty()) throw InvalidInput("a palette without colors");
  }

  Color operator()(int r, int g, int b) {
    std::int16_t& slot = known_[(r >> 2) | (g >> 2) << 6 | (b >> 2) << 12];
    if (slot == kUnknown) slot = find(r & ~3, g & ~3, b & ~3);
    return palette_[static_cast<std::size_t>(slot)];
  }

 private:
  static constexpr std::int16_t kUnknown = -1;

  std::int16_t find(int r, int g, int b) const {
    std::int16_t best = 0;
    int best_distance = INT32_MAX;
    for (std::size_t i = 0; i < palette_.size(); ++i) {
      const int dr = r - palette_[i].r, dg = g - palette_[i].g, db = b - palette_[i].b;
      const int distance = dr * dr + dg * dg + db * db;
      if (distance >= best_distance) continue;
      best_distance = distance;
      best = static_cast<std::int16_t>(i);
    }
    return best;
  }

  const Palette& palette_;
  std::vector<std::int16_t> known_;
};

void put(std::uint8_t* pixel, Color color) {
  pixel[0] = color.r;
  pixel[1] = color.g;
  pixel[2] = color.b;
}

/// One channel's errors on their way to the next row; a slot x + 1 belongs to pixel x.
struct Diffusion {
  int right = 0;      ///< 7/16 of the last pixel's error, in sixteenths
  int below = 0;      ///< what the slot of the last pixel has got so far: 5 of its own, 1 of the one before
  int below_right = 0;
  int last = 0;       ///< the last pixel's error

  void spread(int error, int& below_left) {
    below_left = 3 * error + below;
    below = 5 * error + below_right;
    below_right = error;
    last = error;
    right = 7 * error;
  }
};

/// Values of the threshold matrix of size 2^n in (-0.5, 0.5): each quadrant of a matrix is the smaller one, shifted.
std::vector<float> bayer_matrix(int order) {
  std::vector<double> matrix{0.0};
  double quarter = 1;
  for (int size = 1; size < order; size *= 2) {
    quarter *= 4;
    std::vector<double> next(static_cast<std::size_t>(size) * size * 4);
    static constexpr double kShift[2][2] = {{-1.5, 0.5}, {1.5, -0.5}};
    for (int y = 0; y < 2 * size; ++y)
      for (int x = 0; x < 2 * size; ++x)
        next[y * 2 * size + x] = (quarter * matrix[(y % size) * size + x % size] + kShift[y / size][x / size]) / quarter;
    matrix = std::move(next);
  }
  return {matrix.begin(), matrix.end()};
}

}  // namespace

void map_to_palette(std::uint8_t* rgb, std::size_t pixels, const Palette& palette) {
  NearestColor nearest(palette);
  for (std::size_t i = 0; i < pixels; ++i, rgb += 3) put(rgb, nearest(rgb[0], rgb[1], rgb[2]));
}

void map_with_diffusion(std::uint8_t* rgb, int width, int height, const Palette& palette) {
  NearestColor nearest(palette);
  std::vector<int> errors((static_cast<std::size_t>(width) + 1) * 3);
  for (int y = 0; y < height; ++y) {
    Diffusion channel[3];
    for (int x = 0; x < width; ++x, rgb += 3) {
      int* slot = &errors[static_cast<std::size_t>(x) * 3];
      int value[3];
      for (int c = 0; c < 3; ++c) value[c] = std::clamp(rgb[c] + (channel[c].right + slot[3 + c]) / 16, 0, 255);
      put(rgb, nearest(value[0], value[1], value[2]));
      for (int c = 0; c < 3; ++c) channel[c].spread(value[c] - rgb[c], slot[c]);
    }
    // Pillow hands blue's state to all three channels of the last pixel below; its pictures are the reference.
    int* edge = &errors[static_cast<std::size_t>(width) * 3];
    edge[0] = channel[2].below;
    edge[1] = channel[2].below_right;
    edge[2] = channel[2].last;
  }
}

void map_with_bayer(std::uint8_t* rgb, int width, int height, const Palette& palette, int order) {
  const double spread = 512.0 / static_cast<double>(palette.size());
  std::vector<float> matrix = bayer_matrix(order);
  for (float& value : matrix) value = static_cast<float>(spread * value + 0.5);
  std::uint8_t* pixel = rgb;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x, pixel += 3) {
      const float threshold = matrix[(y % order) * order + x % order];
      for (int c = 0; c < 3; ++c) pixel[c] = static_cast<std::uint8_t>(std::clamp(static_cast<float>(pixel[c]) + threshold, 0.0F, 255.0F));
    }
  map_to_palette(rgb, static_cast<std::size_t>(width) * height, palette);
}

}  // namespace darkroom::imaging
