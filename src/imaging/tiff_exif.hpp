#pragma once
// What a TIFF says of the photograph in it, as an EXIF block. A TIFF keeps it among the entries that describe its pixels, and libvips
// leaves it there.

#include <string>
#include <string_view>

namespace darkroom::imaging {

/// An EXIF block ("Exif", two NULs, TIFF) of what the first directory of a TIFF says: description, camera, software, date, artist,
/// copyright, and its EXIF and GPS directories but for what only their writer can read (maker notes). "" for what is no TIFF or says none
/// of it. BigTIFF is not read. Values that leave the file are left out.
std::string exif_of_tiff(std::string_view tiff);

}  // namespace darkroom::imaging
