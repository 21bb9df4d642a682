#pragma once
// The PNG writer. Saving is the last step of nearly every job, so it is our own: libdeflate, and filters chosen row by row.
// Texts stand before the pixels, because readers of workflows stop at the first IDAT.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace darkroom::imaging {

/// A chunk as it lies in the file: four letters and a body.
struct PngChunk {
  std::string type;
  std::string body;
};

struct PngOptions {
  int level = 4;  ///< 0 (stored) to 9
  std::vector<std::pair<std::string, std::string>> texts;  ///< tEXt, in order; Latin-1 texts
  std::vector<PngChunk> chunks;                            ///< after the texts, before the pixels
};

/// A PNG of 8 bits a sample: `channels` is 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA), interleaved, rows without gaps.
/// A text whose key PNG can't hold (empty, over 79 bytes, or with a NUL) is left out. Throws InvalidInput for other sizes.
std::string encode_png(const std::uint8_t* pixels, int width, int height, int channels, const PngOptions& options = {});

// Pieces, for the animated writer.
void append_png_signature(std::string& out);
void append_png_chunk(std::string& out, std::string_view type, std::string_view body);
void append_png_texts(std::string& out, const std::vector<std::pair<std::string, std::string>>& texts);
std::string png_header(int width, int height, int channels);  ///< the body of IHDR
/// Filtered and zlib-compressed pixels: the body of IDAT.
std::string compress_png_rows(const std::uint8_t* pixels, int width, int height, int channels, int level);
void append_be32(std::string& out, std::uint32_t value);

}  // namespace darkroom::imaging
