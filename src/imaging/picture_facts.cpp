#include "imaging/picture_facts.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "imaging/photo.hpp"
#include "imaging/resample.hpp"
#include "imaging/vips_image.hpp"

namespace darkroom::imaging {
namespace {

constexpr int kJpegQuality = 92, kWebpQuality = 90;
constexpr double kWidest = 16'000;  ///< pixels; a WebP ends at 16,383
constexpr int kLines = 200;         ///< the line between two pictures, as a part of their height

json::object fault(const char* code, const char* text) { return {{"fault", code}, {"text", text}}; }

VipsRef opened(std::string_view bytes, const DecodeLimits& limits) {
  start_vips();
  VipsRef image(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "fail_on", VIPS_FAIL_ON_ERROR, nullptr));
  if (!image) throw InvalidInput("not a picture that can be read: " + vips_fault());
  if (std::int64_t{vips_image_get_width(image.get())} * vips_image_get_height(image.get()) > limits.max_pixels) throw TooLarge("the picture has too many pixels");
  return image;
}

VipsRef without_alpha(VipsRef image) {
  if (!vips_image_hasalpha(image.get())) return image;
  const double white = vips_image_get_format(image.get()) == VIPS_FORMAT_USHORT ? 65535 : 255;
  VipsArrayDouble* background = vips_array_double_newv(1, white);
  VipsImage* flat = nullptr;
  const int failed = vips_flatten(image.get(), &flat, "background", background, nullptr);
  vips_area_unref(VIPS_AREA(background));
  if (failed != 0) throw InvalidInput(vips_fault());
  return VipsRef(flat);
}

/// What an operation of libvips makes.
template <class Operation>
VipsRef made(const Operation& operation) {
  VipsImage* out = nullptr;
  if (operation(&out) != 0) throw InvalidInput(vips_fault());
  return VipsRef(out);
}

std::string encoded(VipsRef image, std::string_view format) {
  void* data = nullptr;
  std::size_t size = 0;
  int failed = 0;
  if (format == "jpeg") {
    image = without_alpha(std::move(image));
    failed = vips_jpegsave_buffer(image.get(), &data, &size, "Q", kJpegQuality, "optimize_coding", TRUE, nullptr);
  } else if (format == "webp") {
    failed = vips_webpsave_buffer(image.get(), &data, &size, "Q", kWebpQuality, nullptr);
  } else if (format == "png") {
    failed = vips_pngsave_buffer(image.get(), &data, &size, "compression", 6, nullptr);
  } else {
    throw InvalidInput("no such format");
  }
  const std::unique_ptr<void, decltype(&g_free)> memory(data, &g_free);
  if (failed != 0) throw InvalidInput("the picture can't be converted: " + vips_fault());
  return {static_cast<const char*>(data), size};
}

/// 8 bits, height x width x 3; what is transparent is white.
std::vector<std::uint8_t> on_white(const Photo& photo) {
  std::vector<std::uint8_t> pixels(photo.rgb.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const float alpha = photo.alpha.empty() ? 1 : photo.alpha[i / 3];
    pixels[i] = static_cast<std::uint8_t>(std::lround(255 * (photo.rgb[i] * alpha + 1 - alpha)));
  }
  return pixels;
}

/// `pixels` of width x height with another height, and a width of the same ratio; becomes the memory of what is given back.
VipsRef of_height(std::vector<std::uint8_t>& pixels, int width, int height, int wanted) {
  const int across = std::max(1, static_cast<int>(std::lround(static_cast<double>(width) * wanted / height)));
  if (wanted != height) pixels = resample(pixels.data(), width, height, 3, across, wanted, Filter::kBicubic);
  VipsRef image(vips_image_new_from_memory(pixels.data(), pixels.size(), across, wanted, 3, VIPS_FORMAT_UCHAR));
  if (!image) throw InvalidInput(vips_fault());
  return image;
}

}  // namespace

std::string picture_facts(std::string_view bytes, const DecodeLimits& limits) {
  json::object facts;
  try {
    const Picture picture = decode(bytes, "picture", limits);
    facts = {{"width", picture.width}, {"height", picture.height}};
  } catch (const TooLarge& wrong) {
    facts = fault("too_large", wrong.what());
  } catch (const InvalidInput& wrong) {
    facts = fault("bad_image", wrong.what());
  }
  return dump(json::value(std::move(facts)));
}

std::string convert_picture(std::string_view bytes, std::string_view format, const DecodeLimits& limits) {
  VipsRef image = opened(bytes, limits);
  if (vips_image_get_orientation(image.get()) > 1) image = made([&](VipsImage** out) { return vips_autorot(image.get(), out, nullptr); });
  return encoded(std::move(image), format);
}

std::string side_by_side(std::string_view before, std::string_view after, std::string_view format, std::int64_t most) {
  const VipsRef result = opened(after, {});
  VipsRef right =
      without_alpha(made([&](VipsImage** out) { return vips_colourspace(result.get(), out, VIPS_INTERPRETATION_sRGB, nullptr); }));
  const Photo photo = read_photo(before, "picture");
  const int full = vips_image_get_height(right.get());
  const double across = static_cast<double>(photo.width) / photo.height + static_cast<double>(vips_image_get_width(right.get())) / full;
  const int height =
      std::max(1, static_cast<int>(std::min({static_cast<double>(full), std::sqrt(static_cast<double>(most) / across), kWidest / across})));
  if (height < full)
    right = made([&](VipsImage** out) { return vips_resize(right.get(), out, static_cast<double>(height) / full, nullptr); });
  std::vector<std::uint8_t> pixels = on_white(photo);
  const VipsRef left = of_height(pixels, photo.width, photo.height, height);
  VipsArrayDouble* white = vips_array_double_newv(1, 255.0);
  VipsImage* both = nullptr;
  const int failed = vips_join(left.get(), right.get(), &both, VIPS_DIRECTION_HORIZONTAL, "expand", TRUE, "shim",
                               std::max(2, height / kLines), "background", white, nullptr);
  vips_area_unref(VIPS_AREA(white));
  if (failed != 0) throw InvalidInput(vips_fault());
  const VipsRef joined(both);
  VipsRef described =
      made([&](VipsImage** out) { return vips_copy(joined.get(), out, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr); });
  for (const char* field : {VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME, VIPS_META_ICC_NAME}) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (vips_image_get_typeof(result.get(), field) && vips_image_get_blob(result.get(), field, &data, &size) == 0)
      vips_image_set_blob_copy(described.get(), field, data, size);
  }
  return encoded(std::move(described), format);
}

}  // namespace darkroom::imaging
