#include "imaging/png.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/error.hpp"

namespace darkroom::imaging {
namespace {

enum FilterType : std::uint8_t { kNone, kSub, kUp, kAverage, kPaeth };

std::uint8_t paeth(int left, int up, int corner) {
  const int to_left = std::abs(up - corner);
  const int to_up = std::abs(left - corner);
  const int to_corner = std::abs(left + up - 2 * corner);
  if (to_left <= to_up && to_left <= to_corner) return static_cast<std::uint8_t>(left);
  return static_cast<std::uint8_t>(to_up <= to_corner ? up : corner);
}

/// How hard a filtered row is to compress: the sum of its bytes as signed distances (the PNG specification's heuristic).
std::uint32_t cost_of(const std::uint8_t* row, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += std::min<std::uint8_t>(row[i], static_cast<std::uint8_t>(0 - row[i]));
  return sum;
}

/// Chooses among the filters that pay on photographs; `above` is a row of zeros for the first one.
/// Both rows have `bpp` zeros in front, so that no filter has an edge case.
class RowFilter {
 public:
  RowFilter(std::size_t stride, int bpp) : stride_(stride), bpp_(bpp), trial_(stride), best_(stride) {}

  /// Writes the filter's number and the filtered row to `out`.
  void write(const std::uint8_t* row, const std::uint8_t* above, std::uint8_t* out) {
    best_cost_ = UINT32_MAX;
    attempt(kUp, [&](std::size_t i) { return static_cast<std::uint8_t>(row[i] - above[i]); });
    attempt(kSub, [&](std::size_t i) { return static_cast<std::uint8_t>(row[i] - row[i - bpp_]); });
    attempt(kPaeth, [&](std::size_t i) { return static_cast<std::uint8_t>(row[i] - paeth(row[i - bpp_], above[i], above[i - bpp_])); });
    *out++ = best_type_;
    std::copy(best_.begin(), best_.end(), out);
  }

 private:
  template <class Byte>
  void attempt(FilterType type, Byte byte) {
    std::uint8_t* to = trial_.data();
    for (std::size_t i = 0; i < stride_; ++i) to[i] = byte(i);
    const std::uint32_t cost = cost_of(to, stride_);
    if (cost >= best_cost_) return;
    best_cost_ = cost;
    best_type_ = type;
    trial_.swap(best_);
  }

  std::size_t stride_;
  std::ptrdiff_t bpp_;
  std::vector<std::uint8_t> trial_, best_;
  std::uint32_t best_cost_ = 0;
  FilterType best_type_ = kNone;
};

std::vector<std::uint8_t> filter_rows(const std::uint8_t* pixels, int height, std::size_t stride, int bpp) {
  std::vector<std::uint8_t> filtered((stride + 1) * height);
  std::vector<std::uint8_t> row(stride + bpp), above(stride + bpp);
  RowFilter filter(stride, bpp);
  for (int y = 0; y < height; ++y) {
    std::copy_n(pixels + y * stride, stride, row.begin() + bpp);
    filter.write(row.data() + bpp, above.data() + bpp, filtered.data() + y * (stride + 1));
    row.swap(above);
  }
  return filtered;
}

}  // namespace

void append_be32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void append_png_signature(std::string& out) { out.append("\x89PNG\r\n\x1a\n", 8); }

void append_png_chunk(std::string& out, std::string_view type, std::string_view body) {
  append_be32(out, static_cast<std::uint32_t>(body.size()));
  out.append(type).append(body);
  const std::uint32_t crc = libdeflate_crc32(0, type.data(), type.size());
  append_be32(out, libdeflate_crc32(crc, body.data(), body.size()));
}

void append_png_texts(std::string& out, const std::vector<std::pair<std::string, std::string>>& texts) {
  for (const auto& [key, text] : texts) {
    if (key.empty() || key.size() > 79 || key.find('\0') != std::string::npos) continue;
    append_png_chunk(out, "tEXt", key + '\0' + text);
  }
}

std::string png_header(int width, int height, int channels) {
  static constexpr char kColorTypes[] = {0, 4, 2, 6};
  std::string body;
  append_be32(body, static_cast<std::uint32_t>(width));
  append_be32(body, static_cast<std::uint32_t>(height));
  body.append({8, kColorTypes[channels - 1], 0, 0, 0});
  return body;
}

std::string compress_png_rows(const std::uint8_t* pixels, int width, int height, int channels, int level) {
  const std::size_t stride = static_cast<std::size_t>(width) * channels;
  const auto rows = filter_rows(pixels, height, stride, channels);
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(std::clamp(level, 0, 12)), &libdeflate_free_compressor);
  if (!compressor) throw OutOfMemory("no memory for a PNG compressor");
  std::string out(libdeflate_zlib_compress_bound(compressor.get(), rows.size()), '\0');
  out.resize(libdeflate_zlib_compress(compressor.get(), rows.data(), rows.size(), out.data(), out.size()));
  return out;
}

std::string encode_png(const std::uint8_t* pixels, int width, int height, int channels, const PngOptions& options) {
  if (width < 1 || height < 1 || channels < 1 || channels > 4)
    throw InvalidInput("no PNG of " + std::to_string(width) + "x" + std::to_string(height) + " with " + std::to_string(channels) + " channels");
  std::string out;
  append_png_signature(out);
  append_png_chunk(out, "IHDR", png_header(width, height, channels));
  append_png_texts(out, options.texts);
  for (const auto& chunk : options.chunks) append_png_chunk(out, chunk.type, chunk.body);
  append_png_chunk(out, "IDAT", compress_png_rows(pixels, width, height, channels, options.level));
  append_png_chunk(out, "IEND", {});
  return out;
}

}  // namespace darkroom::imaging
