#pragma once
// For the photo service, which decodes nothing itself: is it a picture, how large, and the same picture in another format. Runs in
// darkroom-picture.

#include <string>
#include <string_view>

#include "imaging/decode.hpp"

namespace darkroom::imaging {

/// Decodes all of it and says `{"width","height"}` (upright), or `{"fault": "bad_image"|"too_large", "text"}`.
std::string picture_facts(std::string_view bytes, const DecodeLimits& limits = {});

/// Re-encodes a result as "jpeg" (quality 92, on white), "webp" (quality 90) or "png", with its profile, EXIF and XMP.
/// Throws InvalidInput for what is no picture, TooLarge past the limits.
std::string convert_picture(std::string_view bytes, std::string_view format, const DecodeLimits& limits = {});

}  // namespace darkroom::imaging
