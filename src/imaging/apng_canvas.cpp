#include <algorithm>

#include "imaging/apng_canvas.hpp"

namespace darkroom::imaging {
namespace {

struct Pixel {
  std::uint8_t r = 0, g = 0, b = 0, a = 0;
};

/// Porter and Duff's "over" of two colours that are not premultiplied.
Pixel over(Pixel top, Pixel bottom) {
  if (top.a == 255 || bottom.a == 0) return top;
  if (top.a == 0) return bottom;
  const int below = bottom.a * (255 - top.a) / 255;
  const int alpha = top.a + below;
  const auto mix = [&](int t, int b) { return static_cast<std::uint8_t>((t * top.a + b * below) / alpha); };
  return {mix(top.r, bottom.r), mix(top.g, bottom.g), mix(top.b, bottom.b), static_cast<std::uint8_t>(alpha)};
}

Pixel pixel_of(const Picture& picture, std::size_t i) {
  return {picture.rgb[3 * i], picture.rgb[3 * i + 1], picture.rgb[3 * i + 2], picture.alpha ? (*picture.alpha)[i] : std::uint8_t{255}};
}

}  // namespace

Picture draw_frames(const ApngFile& file, const std::function<Picture(const std::string&)>& decode_still) {
  const std::size_t area = static_cast<std::size_t>(file.width) * file.height;
  std::vector<Pixel> canvas(area), before;
  Picture out;
  out.width = static_cast<int>(file.width);
  out.height = static_cast<int>(file.height);
  out.frames = static_cast<int>(file.frames.size());
  out.rgb.reserve(area * 3 * file.frames.size());
  std::vector<std::uint8_t> alpha;
  bool has_alpha = false;
  for (const ApngFrame& frame : file.frames) {
    const Picture still = decode_still(frame.png);
    has_alpha |= still.alpha.has_value();
    if (frame.dispose == 2) before = canvas;
    const auto each = [&](auto change) {
      for (std::uint32_t y = 0; y < frame.height; ++y)
        for (std::uint32_t x = 0; x < frame.width; ++x)
          change(canvas[static_cast<std::size_t>(frame.y + y) * file.width + frame.x + x], static_cast<std::size_t>(y) * frame.width + x);
    };
    each([&](Pixel& at, std::size_t i) { at = frame.blend_over ? over(pixel_of(still, i), at) : pixel_of(still, i); });
    for (const Pixel& pixel : canvas) {
      out.rgb.insert(out.rgb.end(), {pixel.r, pixel.g, pixel.b});
      alpha.push_back(pixel.a);
    }
    if (frame.dispose == 1) each([](Pixel& at, std::size_t) { at = {}; });
    if (frame.dispose == 2) canvas = before;
  }
  if (has_alpha) out.alpha = std::move(alpha);
  return out;
}

}  // namespace darkroom::imaging
