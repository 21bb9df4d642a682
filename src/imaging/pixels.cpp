#include "imaging/pixels.hpp"

#include <algorithm>

namespace darkroom::imaging {
namespace {

/// One sample of a picture with a single band.
template <class T>
std::uint8_t grey_byte(T value) {
  if constexpr (sizeof(T) == 1) return value;
  else if constexpr (std::is_same_v<T, float>) return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
  else if constexpr (sizeof(T) == 4) return static_cast<std::uint8_t>(std::clamp<std::int64_t>(value / 255, 0, 255));
  else return static_cast<std::uint8_t>(std::min<std::uint32_t>(value, 255));
}

template <class T>
std::uint8_t color_byte(T value) {
  if constexpr (sizeof(T) == 1) return value;
  else if constexpr (std::is_same_v<T, float>) return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F));
  else return static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1)));
}

std::uint8_t times_over_255(int a, int b) {
  const int product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

template <class T>
void fill_as(Picture& picture, const Samples& samples) {
  const T* from = static_cast<const T*>(samples.data);
  const std::size_t count = picture.pixels();
  const int bands = samples.bands;
  const bool alpha_band = !samples.cmyk && (bands == 2 || bands == 4);
  picture.rgb.resize(count * 3);
  std::uint8_t* rgb = picture.rgb.data();
  std::uint8_t* alpha = nullptr;
  if (alpha_band && !samples.ignore_alpha) alpha = picture.alpha.emplace(count).data();

  for (std::size_t i = 0; i < count; ++i, from += bands, rgb += 3) {
    if (bands == 1) {
      rgb[0] = rgb[1] = rgb[2] = grey_byte(from[0]);
    } else if (bands == 2) {
      rgb[0] = rgb[1] = rgb[2] = color_byte(from[0]);
    } else if (samples.cmyk) {
      const int white = 255 - color_byte(from[3]);
      for (int c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>(std::max(white - times_over_255(color_byte(from[c]), white), 0));
    } else {
      for (int c = 0; c < 3; ++c) rgb[c] = color_byte(from[c]);
    }
    if (alpha) *alpha++ = color_byte(from[bands - 1]);
  }
}

}  // namespace

void fill(Picture& picture, const Samples& samples) {
  switch (samples.type) {
    case SampleType::kU8: return fill_as<std::uint8_t>(picture, samples);
    case SampleType::kU16: return fill_as<std::uint16_t>(picture, samples);
    case SampleType::kI32: return fill_as<std::int32_t>(picture, samples);
    case SampleType::kU32: return fill_as<std::uint32_t>(picture, samples);
    case SampleType::kF32: return fill_as<float>(picture, samples);
  }
}

}  // namespace darkroom::imaging
