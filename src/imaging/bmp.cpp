#include "imaging/bmp.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

namespace darkroom::imaging {
namespace {

std::uint32_t le(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

enum Compression : std::uint32_t { kRgb = 0, kBitFields = 3, kAlphaBitFields = 6 };

/// The bits of a mask, spread over 0 to 255.
std::uint8_t masked(std::uint32_t pixel, std::uint32_t mask) {
  if (mask == 0) return 0;
  const std::uint64_t top = mask >> std::countr_zero(mask);
  return static_cast<std::uint8_t>(((pixel & mask) >> std::countr_zero(mask)) * std::uint64_t{255} / top);
}

}  // namespace

std::optional<BmpHeader> read_bmp_header(std::string_view bytes) {
  constexpr std::size_t kFileHeader = 14;
  if (!bytes.starts_with("BM") || bytes.size() < kFileHeader + 12) return std::nullopt;
  BmpHeader header;
  header.pixels_at = le(bytes, 10, 4);
  const std::size_t info_size = le(bytes, 14, 4);
  std::uint32_t compression = kRgb;
  if (info_size == 12) {  // OS/2
    header.width = static_cast<int>(le(bytes, 18, 2));
    header.height = static_cast<int>(le(bytes, 20, 2));
    header.bits = static_cast<int>(le(bytes, 24, 2));
    header.palette_entry = 3;
  } else if (info_size >= 40 && bytes.size() >= kFileHeader + info_size) {
    header.width = static_cast<int>(le(bytes, 18, 4));
    const auto height = static_cast<std::int32_t>(le(bytes, 22, 4));
    if (height == INT32_MIN) return std::nullopt;
    header.top_down = height < 0;
    header.height = std::abs(height);
    header.bits = static_cast<int>(le(bytes, 28, 2));
    compression = le(bytes, 30, 4);
    header.palette_size = le(bytes, 46, 4);
  } else {
    return std::nullopt;
  }
  header.palette_at = kFileHeader + info_size;
  if (header.width < 1 || header.height < 1 || (compression != kRgb && compression != kBitFields && compression != kAlphaBitFields)) return std::nullopt;
  switch (header.bits) {
    case 1: case 4: case 8:
      if (header.palette_size == 0 || header.palette_size > (1u << header.bits)) header.palette_size = 1u << header.bits;
      break;
    case 16: header.masks[0] = 0x7C00, header.masks[1] = 0x03E0, header.masks[2] = 0x001F; break;
    case 24: break;
    case 32: header.masks[0] = 0xFF0000, header.masks[1] = 0xFF00, header.masks[2] = 0xFF; break;
    default: return std::nullopt;
  }
  if (compression != kRgb && (header.bits == 16 || header.bits == 32)) {
    // The masks stand in the newer headers, or right behind the old one.
    const std::size_t count = info_size >= 56 || compression == kAlphaBitFields ? 4 : 3;
    if (bytes.size() < 54 + 4 * count) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) header.masks[i] = le(bytes, 54 + 4 * i, 4);
  }
  return header;
}

namespace {

/// One pixel of a row as red, green, blue, alpha.
class RowReader {
 public:
  RowReader(std::string_view bytes, const BmpHeader& header) : bytes_(bytes), header_(header) {}

  std::array<std::uint8_t, 4> pixel(std::size_t row_at, std::size_t x) const {
    if (header_.bits <= 8) return entry(index(row_at, x));
    const std::size_t size = static_cast<std::size_t>(header_.bits) / 8, at = row_at + x * size;
    if (header_.bits == 24) return bgr(at);
    const std::uint32_t value = le(bytes_, at, size);
    return {masked(value, header_.masks[0]), masked(value, header_.masks[1]), masked(value, header_.masks[2]), masked(value, header_.masks[3])};
  }

 private:
  std::size_t index(std::size_t row_at, std::size_t x) const {
    const std::size_t bit = x * static_cast<std::size_t>(header_.bits);
    const auto byte = static_cast<std::uint8_t>(bytes_[row_at + bit / 8]);
    return (byte >> (8 - header_.bits - static_cast<int>(bit % 8))) & ((1u << header_.bits) - 1);
  }
  std::array<std::uint8_t, 4> entry(std::size_t i) const {
    const std::size_t at = header_.palette_at + i * header_.palette_entry;
    return i < header_.palette_size && at + 3 <= bytes_.size() ? bgr(at) : std::array<std::uint8_t, 4>{};
  }
  std::array<std::uint8_t, 4> bgr(std::size_t at) const {
    return {static_cast<std::uint8_t>(bytes_[at + 2]), static_cast<std::uint8_t>(bytes_[at + 1]), static_cast<std::uint8_t>(bytes_[at]), 0};
  }

  std::string_view bytes_;
  const BmpHeader& header_;
};

}  // namespace

Picture read_bmp(std::string_view bytes, const BmpHeader& header) {
  Picture picture;
  picture.width = header.width;
  picture.height = header.height;
  picture.rgb.resize(picture.pixels() * 3);
  if (header.masks[3]) picture.alpha.emplace(picture.pixels());
  const RowReader rows(bytes, header);
  const std::size_t stride = (static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.bits) + 31) / 32 * 4;
  for (int line = 0; line < header.height; ++line) {
    const std::size_t row_at = header.pixels_at + static_cast<std::size_t>(line) * stride;
    if (row_at + stride > bytes.size()) break;
    std::size_t i = static_cast<std::size_t>(header.top_down ? line : header.height - 1 - line) * static_cast<std::size_t>(header.width);
    for (std::size_t x = 0; x < static_cast<std::size_t>(header.width); ++x, ++i) {
      const auto pixel = rows.pixel(row_at, x);
      std::copy_n(pixel.begin(), 3, &picture.rgb[3 * i]);
      if (picture.alpha) (*picture.alpha)[i] = pixel[3];
    }
  }
  return picture;
}

}  // namespace darkroom::imaging
