#include <webp/encode.h>
#include <webp/mux.h>

#include <memory>

#include "base/error.hpp"
#include "imaging/animation.hpp"

namespace darkroom::imaging {
namespace {

struct Picture : WebPPicture {
  Picture() {
    if (!WebPPictureInit(this)) throw InternalError("libwebp: the header is of another version");
  }
  ~Picture() { WebPPictureFree(this); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
};

struct Data : WebPData {
  Data() { WebPDataInit(this); }
  ~Data() { WebPDataClear(this); }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
};

WebPConfig make_config(const WebpOptions& options) {
  WebPConfig config;
  if (!WebPConfigInit(&config)) throw InternalError("libwebp: the header is of another version");
  config.lossless = options.lossless;
  config.quality = static_cast<float>(options.quality);
  config.alpha_quality = 100;
  config.method = options.effort;
  if (!WebPValidateConfig(&config)) throw InvalidInput("WebP: quality is 0 to 100 and the method 0 to 6");
  return config;
}

std::string with_exif(const WebPData& file, const std::string& exif) {
  const std::unique_ptr<WebPMux, decltype(&WebPMuxDelete)> mux(WebPMuxCreate(&file, 0), &WebPMuxDelete);
  const WebPData chunk{reinterpret_cast<const std::uint8_t*>(exif.data()), exif.size()};
  Data out;
  if (!mux || WebPMuxSetChunk(mux.get(), "EXIF", &chunk, 0) != WEBP_MUX_OK || WebPMuxAssemble(mux.get(), &out) != WEBP_MUX_OK)
    throw InternalError("WebP: the texts could not be added");
  return {reinterpret_cast<const char*>(out.bytes), out.size};
}

}  // namespace

std::string encode_webp(const Animation& animation, const WebpOptions& options, const Texts& texts) {
  if (animation.frames.empty()) throw InvalidInput("an animation without frames");
  if (animation.width > WEBP_MAX_DIMENSION || animation.height > WEBP_MAX_DIMENSION)
    throw InvalidInput("WebP holds at most " + std::to_string(WEBP_MAX_DIMENSION) + " pixels a side");
  const WebPConfig config = make_config(options);
  WebPAnimEncoderOptions encoder_options;
  if (!WebPAnimEncoderOptionsInit(&encoder_options)) throw InternalError("libwebp: the header is of another version");
  encoder_options.anim_params.bgcolor = 0;
  encoder_options.kmin = options.lossless ? 9 : 3;  // key frames between these distances, as cwebp's own tools
  encoder_options.kmax = options.lossless ? 17 : 5;
  const std::unique_ptr<WebPAnimEncoder, decltype(&WebPAnimEncoderDelete)> encoder(
      WebPAnimEncoderNew(animation.width, animation.height, &encoder_options), &WebPAnimEncoderDelete);
  if (!encoder) throw OutOfMemory("no memory for a WebP encoder");
  int timestamp = 0;
  for (const auto& frame : animation.frames) {
    Picture picture;
    picture.use_argb = 1;
    picture.width = animation.width;
    picture.height = animation.height;
    const int stride = animation.width * animation.channels;
    const int imported = animation.channels == 4 ? WebPPictureImportRGBA(&picture, frame.data(), stride) : WebPPictureImportRGB(&picture, frame.data(), stride);
    if (!imported || !WebPAnimEncoderAdd(encoder.get(), &picture, timestamp, &config))
      throw InternalError(std::string("WebP: ") + WebPAnimEncoderGetError(encoder.get()));
    timestamp += animation.frame_ms;
  }
  Data file;
  if (!WebPAnimEncoderAdd(encoder.get(), nullptr, timestamp, nullptr) || !WebPAnimEncoderAssemble(encoder.get(), &file))
    throw InternalError(std::string("WebP: ") + WebPAnimEncoderGetError(encoder.get()));
  if (const std::string exif = exif_block(texts); !exif.empty()) return with_exif(file, exif);
  return {reinterpret_cast<const char*>(file.bytes), file.size};
}

}  // namespace darkroom::imaging
