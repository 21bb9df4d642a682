#include "imaging/tiff_exif.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace darkroom::imaging {
namespace {

/// Limit: a value in the EXIF of a TIFF, bytes. Beyond: it is left out. Fixed: longer ones are pictures and notes of a program's own. Edge:
/// TiffExif.ValuesHaveALimit.
constexpr std::size_t kMostOfValue = 8192;
/// Limit: the EXIF that is made of a TIFF's, bytes. Beyond: what comes later is left out. Fixed: a JPEG's segment holds 64 KiB. Edge:
/// TiffExif.TheBlockHasALimit.
constexpr std::size_t kMost = 60'000;
constexpr std::size_t kRoot = 200;  ///< of them: pointers and other small entries of the first directory, which always have room

constexpr std::size_t kEntry = 12;  ///< bytes of an entry: tag, type, count, value or where it lies
constexpr std::uint32_t kExifPointer = 0x8769, kGpsPointer = 0x8825;
/// In a directory behind a pointer: maker notes, and what points elsewhere.
constexpr std::array<std::uint32_t, 5> kLost{0x014a, kExifPointer, kGpsPointer, 0x927c, 0xa005};
/// ImageDescription, Make, Model, Software, DateTime, Artist, Copyright.
constexpr std::array<std::uint32_t, 7> kSaid{0x010e, 0x010f, 0x0110, 0x0131, 0x0132, 0x013b, 0x8298};
constexpr std::array<std::size_t, 13> kSizes{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};  ///< bytes of a number, by type
constexpr std::uint32_t kLong = 4;

struct Entry {
  std::uint32_t tag, type, count;
  std::string value;  ///< as it stands in the file
};

/// A TIFF with every access inside its bounds.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes), big_(bytes.starts_with("MM")) {}

  bool is_tiff() const { return bytes_.size() >= 8 && (big_ || bytes_.starts_with("II")) && number(2, 2) == 42; }
  bool is_big_endian() const { return big_; }
  std::size_t first() const { return number(4, 4); }

  /// Entries of the directory at `at`, each tag once, in the order of tags.
  std::vector<Entry> directory(std::size_t at) const {
    std::vector<Entry> entries;
    if (!holds(at, 2)) return entries;
    const std::size_t count = number(at, 2);
    for (std::size_t i = 0; i < count && holds(at + 2 + i * kEntry, kEntry); ++i) {
      const std::size_t entry = at + 2 + i * kEntry;
      const auto type = number(entry + 2, 2), numbers = number(entry + 4, 4);
      const std::size_t size = type < kSizes.size() ? kSizes[type] * std::size_t{numbers} : 0;
      const std::size_t value = size > 4 ? number(entry + 8, 4) : entry + 8;
      if (size > 0 && size <= kMostOfValue && holds(value, size))
        entries.push_back({number(entry, 2), type, numbers, std::string(bytes_.substr(value, size))});
    }
    std::ranges::stable_sort(entries, {}, &Entry::tag);
    const auto twice = std::ranges::unique(entries, {}, &Entry::tag);
    entries.erase(twice.begin(), twice.end());
    return entries;
  }
  /// Where a pointer among the entries leads; 0 for none.
  std::size_t pointer(const Entry& entry) const {
    return entry.type == kLong && entry.count == 1 ? Reader(big_, entry.value).number(0, 4) : 0;
  }

 private:
  Reader(bool big, std::string_view bytes) : bytes_(bytes), big_(big) {}
  bool holds(std::size_t at, std::size_t size) const { return at <= bytes_.size() && size <= bytes_.size() - at; }
  std::uint32_t number(std::size_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value |= std::uint32_t{static_cast<std::uint8_t>(bytes_[at + i])} << 8 * (big_ ? size - 1 - i : i);
    return value;
  }

  std::string_view bytes_;
  bool big_;
};

class Writer {
 public:
  explicit Writer(bool big) : big_(big) {
    bytes_ = big ? "MM" : "II";
    add(42, 2);
    add(0, 4);
  }
  /// Appends a directory as far as the block has room for it, small entries first; where it lies, 0 for an empty one.
  std::uint32_t directory(const std::vector<Entry>& entries, std::size_t most) {
    std::vector<const Entry*> kept;
    std::size_t end = bytes_.size() + 2 + 4;
    for (const bool small : {true, false})
      for (const Entry& entry : entries) {
        const std::size_t size = kEntry + (small ? 0 : entry.value.size() + 1);
        if ((entry.value.size() <= 4) != small || end + size > most) continue;
        end += size;
        kept.push_back(&entry);
      }
    if (kept.empty()) return 0;
    std::ranges::sort(kept, {}, &Entry::tag);
    const auto at = static_cast<std::uint32_t>(bytes_.size());
    std::string values;
    const std::size_t values_at = at + 2 + kEntry * kept.size() + 4;
    add(static_cast<std::uint32_t>(kept.size()), 2);
    for (const Entry* entry : kept) {
      add(entry->tag, 2);
      add(entry->type, 2);
      add(entry->count, 4);
      if (entry->value.size() <= 4) {
        bytes_ += entry->value;
        bytes_.append(4 - entry->value.size(), '\0');
        continue;
      }
      add(static_cast<std::uint32_t>(values_at + values.size()), 4);
      values += entry->value;
      if (values.size() % 2) values.push_back('\0');
    }
    add(0, 4);  // no further directory
    bytes_ += values;
    if (bytes_.size() % 2) bytes_.push_back('\0');
    return at;
  }
  Entry pointer(std::uint32_t tag, std::uint32_t at) const { return {tag, kLong, 1, number(at, 4)}; }
  std::string take(std::uint32_t first) {
    bytes_.replace(4, 4, number(first, 4));
    return std::string("Exif\0\0", 6) + bytes_;
  }

 private:
  std::string number(std::uint32_t value, std::size_t size) const {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[big_ ? size - 1 - i : i] = static_cast<char>(value >> 8 * i);
    return out;
  }
  void add(std::uint32_t value, std::size_t size) { bytes_ += number(value, size); }

  std::string bytes_;
  bool big_;
};

}  // namespace

std::string exif_of_tiff(std::string_view tiff) {
  const Reader reader(tiff);
  if (!reader.is_tiff()) return {};
  Writer writer(reader.is_big_endian());
  std::vector<Entry> said;
  for (const Entry& entry : reader.directory(reader.first())) {
    if (std::ranges::find(kSaid, entry.tag) != kSaid.end()) said.push_back(entry);
    if (entry.tag != kExifPointer && entry.tag != kGpsPointer) continue;
    auto inner = reader.directory(reader.pointer(entry));
    std::erase_if(inner, [](const Entry& one) { return std::ranges::find(kLost, one.tag) != kLost.end(); });
    if (const auto at = writer.directory(inner, kMost - kRoot)) said.push_back(writer.pointer(entry.tag, at));
  }
  const auto first = writer.directory(said, kMost);
  return first ? writer.take(first) : std::string();
}

}  // namespace darkroom::imaging
