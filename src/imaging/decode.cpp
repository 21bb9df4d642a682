#include "imaging/decode.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/error.hpp"
#include "imaging/apng_canvas.hpp"
#include "imaging/bmp.hpp"
#include "imaging/pixels.hpp"
#include "imaging/png_facts.hpp"
#include "imaging/vips_image.hpp"

namespace darkroom::imaging {
namespace {

[[noreturn]] void broken(std::string_view name, const std::string& why) {
  throw InvalidInput("cannot read image file '" + std::string(name) + "': " + why);
}

bool has_pages(std::string_view loader) {
  return loader.starts_with("VipsForeignLoadWebp") || loader.starts_with("VipsForeignLoadNsgif") || loader.starts_with("VipsForeignLoadTiff");
}

/// Its decoder always makes an alpha channel of an animation.
bool is_gif(std::string_view bytes) { return bytes.starts_with("GIF8"); }

VipsRef open(std::string_view bytes, std::string_view name) {
  const char* loader = vips_foreign_find_load_buffer(bytes.data(), bytes.size());
  vips_error_clear();
  if (!loader || !is_picture_loader(loader)) broken(name, "not a picture of a known format");
  const VipsFailOn fail_on = is_cut_short(bytes) ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_ERROR;
  // All pages at once first; pages of different sizes (a TIFF with a thumbnail) give the first alone.
  VipsRef image;
  if (has_pages(loader)) image.reset(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "n", -1, "fail_on", fail_on, nullptr));
  if (!image) {
    vips_error_clear();
    image.reset(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "fail_on", fail_on, nullptr));
  }
  if (!image) broken(name, vips_fault());
  return image;
}

void check_size(std::int64_t width, std::int64_t height, std::string_view name, const DecodeLimits& limits) {
  if (width * height > limits.max_pixels)
    throw TooLarge("image file '" + std::string(name) + "' has " + std::to_string(width) + "x" + std::to_string(height) +
                   " pixels; the limit is " + std::to_string(limits.max_pixels / 1'000'000) + " megapixels");
}

int frames_of(VipsImage* image) {
  int page_height = 0;
  if (!vips_image_get_typeof(image, VIPS_META_PAGE_HEIGHT) || vips_image_get_int(image, VIPS_META_PAGE_HEIGHT, &page_height) != 0) return 1;
  if (page_height <= 0 || vips_image_get_height(image) % page_height != 0) return 1;
  return vips_image_get_height(image) / page_height;
}

VipsRef upright(VipsRef image, std::string_view name) {
  if (vips_image_get_orientation(image.get()) <= 1) return image;
  VipsImage* turned = nullptr;
  if (vips_autorot(image.get(), &turned, nullptr) != 0) broken(name, vips_fault());
  return VipsRef(turned);
}

/// Colour spaces that are neither grey, RGB nor CMYK go through sRGB.
VipsRef known_colours(VipsRef image, std::string_view name) {
  switch (vips_image_get_interpretation(image.get())) {
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_LCH: break;
    default: return image;
  }
  VipsImage* out = nullptr;
  if (vips_colourspace(image.get(), &out, VIPS_INTERPRETATION_sRGB, nullptr) != 0) broken(name, vips_fault());
  return VipsRef(out);
}

SampleType sample_type(VipsImage* image, std::string_view name) {
  switch (vips_image_get_format(image)) {
    case VIPS_FORMAT_UCHAR: return SampleType::kU8;
    case VIPS_FORMAT_USHORT: return SampleType::kU16;
    case VIPS_FORMAT_INT: return SampleType::kI32;
    case VIPS_FORMAT_UINT: return SampleType::kU32;
    case VIPS_FORMAT_FLOAT: return SampleType::kF32;
    default: broken(name, "samples of this kind are not supported");
  }
}

Picture decode_by_vips(std::string_view bytes, std::string_view name, const DecodeLimits& limits) {
  vips_error_clear();
  const PngFacts png = png_facts(bytes);

  VipsRef image = open(bytes, name);
  check_size(vips_image_get_width(image.get()), vips_image_get_height(image.get()), name, limits);
  const int frames = frames_of(image.get());
  if (frames == 1) image = upright(std::move(image), name);
  image = known_colours(std::move(image), name);

  const Stopwatch time(image.get(), limits.max_seconds);

  std::size_t size = 0;
  const std::unique_ptr<void, decltype(&g_free)> memory(vips_image_write_to_memory(image.get(), &size), &g_free);
  if (!memory) {
    const std::string why = vips_fault();
    if (time.is_over())
      throw TooLarge("image file '" + std::string(name) + "' takes longer than " + std::to_string(limits.max_seconds) + " s to decode");
    broken(name, why);
  }

  Samples samples;
  samples.data = memory.get();
  samples.type = sample_type(image.get(), name);
  samples.bands = vips_image_get_bands(image.get());
  samples.cmyk = vips_image_get_interpretation(image.get()) == VIPS_INTERPRETATION_CMYK;
  samples.ignore_alpha = png.is_png && !png.has_alpha();
  Picture picture;
  picture.width = vips_image_get_width(image.get());
  picture.frames = frames;
  picture.height = vips_image_get_height(image.get()) / frames;
  if (samples.bands > 4 || samples.bands < 1) broken(name, std::to_string(samples.bands) + " channels");
  fill(picture, samples);
  if (is_gif(bytes) && picture.alpha && std::all_of(picture.alpha->begin(), picture.alpha->end(), [](std::uint8_t a) { return a == 255; }))
    picture.alpha.reset();
  return picture;
}

}  // namespace

Picture decode(std::string_view bytes, std::string_view name, const DecodeLimits& limits) {
  if (bytes.empty()) broken(name, "the file is empty");
  if (const auto bmp = read_bmp_header(bytes)) {
    check_size(bmp->width, bmp->height, name, limits);
    return read_bmp(bytes, *bmp);
  }
  start_vips();
  const ApngFile animation = split_apng(bytes, limits.max_frames);
  if (animation.frames.size() < 2) return decode_by_vips(bytes, name, limits);
  check_size(animation.width, std::int64_t{animation.height} * static_cast<std::int64_t>(animation.frames.size()), name, limits);
  return draw_frames(animation, [&](const std::string& png) { return decode_by_vips(png, name, limits); });
}

}  // namespace darkroom::imaging
