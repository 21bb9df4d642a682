#include "imaging/webp_still.hpp"

#include <webp/encode.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"

namespace darkroom::imaging {
namespace {

/// Pixels from which on the modes of blocks are kept simple, so that they fit into the 512 KB that the format has for them: 16
/// modes in each of the 16x16 blocks fill it at 12 megapixels. With less effort than this libwebp does not look at that limit.
constexpr std::int64_t kSimplerModes = 12'000'000;
constexpr int kLeastEffort = 2;

const char* why(WebPEncodingError error) {
  switch (error) {
    case VP8_ENC_ERROR_BAD_DIMENSION: return "WebP has at most 16383 pixels a side";
    case VP8_ENC_ERROR_OUT_OF_MEMORY:
    case VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY: return "out of memory";
    case VP8_ENC_ERROR_PARTITION0_OVERFLOW:
    case VP8_ENC_ERROR_PARTITION_OVERFLOW:
    case VP8_ENC_ERROR_FILE_TOO_BIG: return "it is too large for WebP";
    default: return "libwebp refused it";
  }
}

}  // namespace

std::string encode_webp_still(const std::uint8_t* pixels, int width, int height, int channels, int quality, int effort) {
  WebPConfig config;
  WebPPicture picture;
  if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) throw InternalError("libwebp: the header is of another version");
  const std::unique_ptr<WebPPicture, decltype(&WebPPictureFree)> freed(&picture, &WebPPictureFree);
  WebPMemoryWriter memory;
  WebPMemoryWriterInit(&memory);
  const std::unique_ptr<WebPMemoryWriter, decltype(&WebPMemoryWriterClear)> cleared(&memory, &WebPMemoryWriterClear);
  config.quality = static_cast<float>(quality);
  config.method = effort;
  if (std::int64_t{width} * height > kSimplerModes) {
    config.partition_limit = 100;
    config.method = std::max(effort, kLeastEffort);
  }
  picture.width = width;
  picture.height = height;
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &memory;
  const int stride = width * channels;
  const bool imported = channels == 4 ? WebPPictureImportRGBA(&picture, pixels, stride) : WebPPictureImportRGB(&picture, pixels, stride);
  if (!imported || !WebPEncode(&config, &picture)) throw InvalidInput(std::string("the picture cannot be encoded: ") + why(picture.error_code));
  return {reinterpret_cast<const char*>(memory.mem), memory.size};
}

}  // namespace darkroom::imaging
