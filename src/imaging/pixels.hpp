#pragma once
// From a file's samples to 8-bit RGB and alpha, by Pillow's rules. Private to this folder.

#include "imaging/picture.hpp"

namespace darkroom::imaging {

enum class SampleType { kU8, kU16, kI32, kU32, kF32 };

/// Interleaved samples as a decoder left them; 1 band is grey, 2 grey and alpha, 3 RGB, 4 RGBA or CMYK.
struct Samples {
  const void* data = nullptr;
  SampleType type = SampleType::kU8;
  int bands = 0;
  bool cmyk = false;
  bool ignore_alpha = false;
};

/// Fills `picture.rgb` and `picture.alpha`; its sizes are set already.
/// 16-bit colours keep their high byte. 16-bit grey alone is clipped at 255 and 32-bit grey divided by 255, as LoadImage gives
/// them; grey floats are clipped.
void fill(Picture& picture, const Samples& samples);

}  // namespace darkroom::imaging
