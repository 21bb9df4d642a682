#pragma once
// Photographs as the restoration service reads and writes them: colours in sRGB at the depth that the file has, alpha apart, and the
// metadata that goes along.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imaging/decode.hpp"

namespace darkroom::imaging {

/// What a result gets from its original.
struct PhotoMetadata {
  int depth = 8;      ///< bits a sample of the original: 8 or 16
  std::string exif;   ///< the EXIF block, "" for none
  std::vector<std::pair<std::string, std::string>> exif_fields;  ///< its entries as libvips names them: those not here are left out of a result
};

struct Photo {
  int width = 0, height = 0;
  std::vector<float> rgb;    ///< height x width x 3, sRGB, 0 to 1
  std::vector<float> alpha;  ///< height x width; empty for none
  PhotoMetadata metadata;
};

/// Decodes the first frame, turned upright, its colours taken from its profile to sRGB. Throws as decode() does.
Photo read_photo(std::string_view bytes, std::string_view name, const DecodeLimits& limits = {});

struct PhotoWriting {
  bool keep_gps = false;   ///< where it was taken stays
  bool ai_colors = false;  ///< XMP says that a network made the colours
  std::string made_by;     ///< for XMP: the network's name; may be empty
};

/// A PNG of 8 or 16 bits (as `metadata.depth`) with the sRGB profile, EXIF but for orientation, thumbnail and (unless kept) GPS, and XMP that says what
/// was done. `channels` 3, or 4 with alpha; `samples` height x width x channels in 0..1.
std::string write_photo(const float* samples, int width, int height, int channels, const PhotoMetadata& metadata, const PhotoWriting& writing);

}  // namespace darkroom::imaging
