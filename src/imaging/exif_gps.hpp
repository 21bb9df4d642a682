#pragma once
// Where a picture was taken, taken out of its EXIF.

#include <string>

namespace darkroom::imaging {

/// An EXIF block ("Exif", two NULs, TIFF) without its GPS directory: the entry that points to it is removed, its own entries and their values are
/// overwritten. "" for a block that can't be read: better no EXIF than a place.
std::string without_gps(std::string exif);

}  // namespace darkroom::imaging
