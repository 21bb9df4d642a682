#include "imaging/exif_gps.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace darkroom::imaging {
namespace {

constexpr std::size_t kPrefix = 6;        ///< "Exif" and two NULs
constexpr std::size_t kEntry = 12;        ///< bytes of an entry: tag, type, count, value or where it lies
constexpr std::uint32_t kGpsPointer = 0x8825;

/// The TIFF inside, with every access inside its bounds.
class Tiff {
 public:
  explicit Tiff(std::string& bytes) : bytes_(bytes), big_(bytes.compare(kPrefix, 2, "MM") == 0) {}

  bool holds(std::size_t at, std::size_t size) const { return at <= length() && size <= length() - at; }
  std::uint32_t number(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint32_t{byte(at + i)} << 8 * (big_ ? size - 1 - i : i);
    return value;
  }
  void set16(std::size_t at, std::uint32_t value) {
    bytes_[kPrefix + at + (big_ ? 0 : 1)] = static_cast<char>(value >> 8);
    bytes_[kPrefix + at + (big_ ? 1 : 0)] = static_cast<char>(value);
  }
  void wipe(std::size_t at, std::size_t size) { std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(kPrefix + at), size, '\0'); }
  void move(std::size_t to, std::size_t from, std::size_t size) { std::memmove(&bytes_[kPrefix + to], &bytes_[kPrefix + from], size); }

 private:
  std::size_t length() const { return bytes_.size() - kPrefix; }
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[kPrefix + at]); }
  std::string& bytes_;
  bool big_;
};

/// Overwrites a directory and the values that lie elsewhere. False when it leaves the block.
bool wipe_directory(Tiff& tiff, std::size_t at) {
  static constexpr std::array<std::size_t, 13> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};  // by type
  if (!tiff.holds(at, 2)) return false;
  const std::size_t count = tiff.number(at, 2);
  if (!tiff.holds(at + 2, count * kEntry)) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = at + 2 + i * kEntry, type = tiff.number(entry + 2, 2);
    const std::size_t size = (type < kSizes.size() ? kSizes[type] : 0) * std::size_t{tiff.number(entry + 4, 4)};
    if (size > 4) {
      const std::size_t value = tiff.number(entry + 8, 4);
      if (!tiff.holds(value, size)) return false;
      tiff.wipe(value, size);
    }
    tiff.wipe(entry, kEntry);
  }
  tiff.wipe(at, 2);
  return true;
}

}  // namespace

std::string without_gps(std::string exif) {
  if (exif.size() < kPrefix + 8 || !exif.starts_with(std::string_view("Exif\0\0", kPrefix))) return {};
  Tiff tiff(exif);
  const std::size_t first = tiff.number(4, 4);
  if (!tiff.holds(first, 2)) return {};
  std::size_t count = tiff.number(first, 2);
  if (!tiff.holds(first + 2, count * kEntry + 4)) return {};
  for (std::size_t i = 0; i < count;) {
    const std::size_t entry = first + 2 + i * kEntry;
    if (tiff.number(entry, 2) != kGpsPointer) {
      ++i;
      continue;
    }
    const std::size_t directory = tiff.number(entry + 8, 4);
    // The rest of the entries, and the pointer to the next directory, move up.
    tiff.move(entry, entry + kEntry, (count - i - 1) * kEntry + 4);
    tiff.set16(first, static_cast<std::uint32_t>(--count));
    if (!wipe_directory(tiff, directory)) return {};
  }
  return exif;
}

}  // namespace darkroom::imaging
