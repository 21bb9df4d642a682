#pragma once
// For the photo service, which decodes nothing itself: is it a picture, how large, the same picture in another format, and two beside each
// other. Runs in darkroom-picture.

#include <cstdint>
#include <string>
#include <string_view>

#include "imaging/decode.hpp"

namespace darkroom::imaging {

/// Decodes all of it and says `{"width","height"}` (upright), or `{"fault": "bad_image"|"too_large", "text"}`.
std::string picture_facts(std::string_view bytes, const DecodeLimits& limits = {});

/// Re-encodes a picture, turned upright, as "jpeg" (quality 92, on white), "webp" (quality 90) or "png", with its profile, EXIF and XMP.
/// Throws InvalidInput for what is no picture, TooLarge past the limits.
std::string convert_picture(std::string_view bytes, std::string_view format, const DecodeLimits& limits = {});

/// Limit: before and after in one picture, pixels. Beyond: both are made smaller. Fixed: PNG takes seconds for more, and a comparison is
/// looked at on a screen. Edge: PictureFacts.ALargeComparisonIsMadeSmaller.
constexpr std::int64_t kMostBeside = 24'000'000;

/// `before` (as its file has it) left and `after` (a result) right, both as high as `after`, 8 bits in sRGB on white, a white line between
/// them; encoded as by convert_picture, with what `after` says in its EXIF and XMP. Throws as convert_picture does.
std::string side_by_side(std::string_view before, std::string_view after, std::string_view format, std::int64_t most = kMostBeside);

}  // namespace darkroom::imaging
