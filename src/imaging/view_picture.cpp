#include "imaging/view_picture.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "imaging/png.hpp"
#include "imaging/resample.hpp"
#include "imaging/vips_image.hpp"
#include "imaging/webp_still.hpp"

namespace darkroom::imaging {

namespace {

// One frame as the web shows it: 8 bits, sRGB, alpha apart only where the file has some.
struct Frame {
  int width = 0, height = 0;
  int channels = 3;                  // 3 or 4
  std::vector<std::uint8_t> pixels;  // height x width x channels
};

[[noreturn]] void broken() {
  const std::string why = vips_fault();
  throw InvalidInput("not a picture that can be read" + (why.empty() ? "" : ": " + why));
}

// Pixels from which on WebP is encoded with the least effort: twice as fast, a tenth larger.
constexpr std::size_t kLargePreview = 4'000'000;

// What an operation made; by reference, since the operation sets it while the arguments are evaluated.
VipsRef step(int failed, VipsImage*& made) {
  if (failed != 0) broken();
  return VipsRef(made);
}

Frame read_frame(std::string_view bytes, const DecodeLimits& limits) {
  start_vips();
  vips_error_clear();
  const char* loader = bytes.empty() ? nullptr : vips_foreign_find_load_buffer(bytes.data(), bytes.size());
  if (!loader || !is_picture_loader(loader)) broken();
  VipsRef image(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "fail_on", VIPS_FAIL_ON_TRUNCATED, nullptr));
  if (!image) broken();
  const std::int64_t pixels = std::int64_t{vips_image_get_width(image.get())} * vips_image_get_height(image.get());
  if (pixels > limits.max_pixels)
    throw TooLarge("the picture has over " + std::to_string(limits.max_pixels / 1'000'000) + " megapixels");
  VipsImage* out = nullptr;
  if (vips_image_get_orientation(image.get()) > 1) image = step(vips_autorot(image.get(), &out, nullptr), out);
  image = step(vips_colourspace(image.get(), &out, VIPS_INTERPRETATION_sRGB, nullptr), out);
  image = step(vips_cast_uchar(image.get(), &out, nullptr), out);
  const int bands = vips_image_get_bands(image.get());
  if (bands > 4) image = step(vips_extract_band(image.get(), &out, 0, "n", 4, nullptr), out);
  if (bands < 3) throw InvalidInput("the picture has no colours that can be shown");

  Frame frame;
  frame.width = vips_image_get_width(image.get());
  frame.height = vips_image_get_height(image.get());
  frame.channels = vips_image_get_bands(image.get());
  std::size_t size = 0;
  const std::unique_ptr<void, decltype(&g_free)> memory(vips_image_write_to_memory(image.get(), &size), &g_free);
  if (!memory) broken();
  const auto* data = static_cast<const std::uint8_t*>(memory.get());
  frame.pixels.assign(data, data + size);
  return frame;
}

Frame without_alpha(Frame frame) {
  if (frame.channels == 3) return frame;
  std::uint8_t* to = frame.pixels.data();
  for (const std::uint8_t *from = to, *end = from + frame.pixels.size(); from != end; from += 4, to += 3) std::copy(from, from + 3, to);
  frame.pixels.resize(static_cast<std::size_t>(to - frame.pixels.data()));
  frame.channels = 3;
  return frame;
}

std::uint8_t alpha_at(const Frame& frame, std::size_t pixel) { return frame.channels == 4 ? frame.pixels[pixel * 4 + 3] : 255; }

std::size_t pixel_count(const Frame& frame) { return static_cast<std::size_t>(frame.width) * frame.height; }

// tEXt, zTXt and iTXt as they lie in the file. Stops at the first thing that makes no sense.
std::vector<PngChunk> texts_of(std::string_view file) {
  std::vector<PngChunk> chunks;
  constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);
  if (file.substr(0, 8) != kSignature) return chunks;
  file.remove_prefix(8);
  while (file.size() >= 12) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(file[i])); };
    const std::uint32_t size = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
    if (size > file.size() - 12) break;
    const std::string_view type = file.substr(4, 4);
    if (type == "tEXt" || type == "zTXt" || type == "iTXt") chunks.push_back({std::string(type), std::string(file.substr(8, size))});
    file.remove_prefix(12 + size);
  }
  return chunks;
}

}  // namespace

std::string preview(std::string_view bytes, const PreviewOptions& options, const DecodeLimits& limits) {
  Frame frame = read_frame(bytes, limits);
  if (options.jpeg || options.drop_alpha) frame = without_alpha(std::move(frame));
  const int quality = std::clamp(options.quality, 1, 100);
  if (!options.jpeg)
    return encode_webp_still(frame.pixels.data(), frame.width, frame.height, frame.channels, quality, pixel_count(frame) > kLargePreview ? 0 : 4);
  const VipsRef image(vips_image_new_from_memory(frame.pixels.data(), frame.pixels.size(), frame.width, frame.height, frame.channels, VIPS_FORMAT_UCHAR));
  if (!image) broken();
  void* data = nullptr;
  std::size_t size = 0;
  const int failed = vips_jpegsave_buffer(image.get(), &data, &size, "Q", quality, "strip", TRUE, nullptr);
  const std::unique_ptr<void, decltype(&g_free)> memory(data, &g_free);
  if (failed != 0) throw InvalidInput("the picture cannot be encoded: " + vips_fault());
  return {static_cast<const char*>(data), size};
}

std::string colours_png(std::string_view bytes, const DecodeLimits& limits) {
  const Frame frame = without_alpha(read_frame(bytes, limits));
  return encode_png(frame.pixels.data(), frame.width, frame.height, 3);
}

std::string alpha_png(std::string_view bytes, const DecodeLimits& limits) {
  const Frame frame = read_frame(bytes, limits);
  std::vector<std::uint8_t> black(pixel_count(frame) * 4, 0);
  for (std::size_t i = 0; i < pixel_count(frame); ++i) black[i * 4 + 3] = alpha_at(frame, i);
  return encode_png(black.data(), frame.width, frame.height, 4);
}

std::string merge_mask(std::string_view original, std::string_view mask, const DecodeLimits& limits) {
  const Frame picture = read_frame(original, limits);
  const Frame alpha = read_frame(mask, limits);
  if (picture.width != alpha.width || picture.height != alpha.height) throw InvalidInput("the mask is not of its picture's size");
  std::vector<std::uint8_t> merged(pixel_count(picture) * 4);
  for (std::size_t i = 0; i < pixel_count(picture); ++i) {
    std::copy_n(picture.pixels.data() + i * static_cast<std::size_t>(picture.channels), 3, merged.data() + i * 4);
    merged[i * 4 + 3] = alpha_at(alpha, i);
  }
  PngOptions options;
  options.chunks = texts_of(original);
  return encode_png(merged.data(), picture.width, picture.height, 4, options);
}

std::string small_ppm(std::string_view bytes, int side, const DecodeLimits& limits) {
  if (side < 1) throw InvalidInput("the side of a picture must be at least 1 pixel");
  Frame frame = without_alpha(read_frame(bytes, limits));
  const int longer = std::max(frame.width, frame.height);
  if (longer > side) {
    const auto fitted = [&](int length) { return std::max(1, static_cast<int>(std::int64_t{length} * side / longer)); };
    const int width = fitted(frame.width), height = fitted(frame.height);
    frame.pixels = resample(frame.pixels.data(), frame.width, frame.height, 3, width, height, Filter::kBilinear);
    frame.width = width;
    frame.height = height;
  }
  std::string ppm = "P6\n" + std::to_string(frame.width) + " " + std::to_string(frame.height) + "\n255\n";
  return ppm.append(reinterpret_cast<const char*>(frame.pixels.data()), frame.pixels.size());
}

}  // namespace darkroom::imaging
