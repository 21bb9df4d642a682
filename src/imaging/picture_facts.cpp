#include "imaging/picture_facts.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "imaging/vips_image.hpp"

namespace darkroom::imaging {
namespace {

constexpr int kJpegQuality = 92, kWebpQuality = 90;

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

}  // namespace darkroom::imaging
