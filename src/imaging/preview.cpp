#include "imaging/preview.hpp"

#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "imaging/png.hpp"
#include "imaging/resample.hpp"
#include "imaging/vips_image.hpp"

namespace darkroom::imaging {
namespace {

/// Python's round(): half to even.
int round_even(double value) { return static_cast<int>(std::nearbyint(value)); }

/// The largest size of the same ratio within a square, as Pillow's ImageOps.contain has it.
std::pair<int, int> fit(int width, int height, int side) {
  if (width > height) return {side, std::max(1, round_even(static_cast<double>(height) / width * side))};
  if (width < height) return {std::max(1, round_even(static_cast<double>(width) / height * side)), side};
  return {side, side};
}

}  // namespace

std::string encode_jpeg(const std::uint8_t* rgb, int width, int height, int quality) {
  start_vips();
  const VipsRef image(vips_image_new_from_memory(rgb, static_cast<std::size_t>(width) * height * 3, width, height, 3, VIPS_FORMAT_UCHAR));
  if (!image) throw InternalError("JPEG: " + vips_fault());
  void* buffer = nullptr;
  std::size_t size = 0;
  if (vips_jpegsave_buffer(image.get(), &buffer, &size, "Q", quality, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_ON, "strip", TRUE, nullptr) != 0)
    throw InternalError("JPEG: " + vips_fault());
  std::string out(static_cast<const char*>(buffer), size);
  g_free(buffer);
  return out;
}

std::string encode_preview(const std::uint8_t* rgb, int width, int height, std::string_view format, std::optional<int> max_size) {
  std::vector<std::uint8_t> fitted;
  if (max_size) {
    const auto [new_width, new_height] = fit(width, height, *max_size);
    if (new_width != width || new_height != height) {
      fitted = resample(rgb, width, height, 3, new_width, new_height, Filter::kBilinear);
      rgb = fitted.data();
      width = new_width;
      height = new_height;
    }
  }
  if (format == "JPEG") return encode_jpeg(rgb, width, height, 95);
  if (format == "PNG") return encode_png(rgb, width, height, 3, {.level = 1, .texts = {}, .chunks = {}});
  throw InvalidInput("a preview is JPEG or PNG, not " + std::string(format));
}

}  // namespace darkroom::imaging
