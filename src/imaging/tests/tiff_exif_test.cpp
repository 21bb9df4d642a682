#include "imaging/tiff_exif.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "imaging/exif_gps.hpp"

namespace darkroom::imaging {
namespace {

std::string number(std::uint32_t value, std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(value >> 8 * i);
  return out;
}

struct Said {
  std::uint32_t tag, type, count;
  std::string value;
};

/// A little-endian directory that lies at `at`, with its values behind it.
std::string directory(const std::vector<Said>& entries, std::size_t at) {
  std::string head = number(static_cast<std::uint32_t>(entries.size()), 2), values;
  const std::size_t values_at = at + 2 + 12 * entries.size() + 4;
  for (const auto& entry : entries) {
    head += number(entry.tag, 2) + number(entry.type, 2) + number(entry.count, 4);
    if (entry.value.size() <= 4) head += entry.value + std::string(4 - entry.value.size(), '\0');
    else head += number(static_cast<std::uint32_t>(values_at + values.size()), 4), values += entry.value;
  }
  return head + number(0, 4) + values;
}

std::string text(std::string words) { return words + '\0'; }
Said ascii(std::uint32_t tag, const std::string& words) { return {tag, 2, static_cast<std::uint32_t>(words.size() + 1), text(words)}; }

std::string tiff_of(const std::vector<Said>& entries) { return std::string("II*\0\x08\0\0\0", 8) + directory(entries, 8); }
std::string exif_of(const std::vector<Said>& entries) { return exif_of_tiff(tiff_of(entries)); }
bool holds(const std::string& exif, const std::string& words) { return exif.find(words) != std::string::npos; }

TEST(TiffExif, KeepsWhatIsSaidOfThePhotograph) {
  const std::string exif = exif_of({{0x0100, 4, 1, number(640, 4)},
                                    ascii(0x010e, "Two boats"),
                                    ascii(0x010f, "Kodak"),
                                    ascii(0x0132, "1936:03:01 12:00:00"),
                                    ascii(0x8298, "nobody"),
                                    {0x0153, 3, 1, number(3, 2)},
                                    ascii(0x02bc, "<x:xmpmeta>")});
  EXPECT_TRUE(exif.starts_with(std::string("Exif\0\0II*\0", 10)));
  for (const char* words : {"Two boats", "Kodak", "1936:03:01 12:00:00", "nobody"}) EXPECT_TRUE(holds(exif, words)) << words;
  EXPECT_FALSE(holds(exif, "xmpmeta")) << "the result has an XMP of its own";
  EXPECT_FALSE(holds(exif, number(640, 4))) << "nor is it said of the pixels any more";
  EXPECT_EQ(exif_of_tiff(exif.substr(6)), exif);
}

TEST(TiffExif, KeepsTheDirectoriesBehindIt) {
  const std::vector<Said> shell{ascii(0x010f, "Kodak"), {0x8769, 4, 1, number(200, 4)}, {0x8825, 4, 1, number(300, 4)}};
  std::string tiff = tiff_of(shell);
  tiff.resize(200, '\0');
  tiff += directory({ascii(0x9003, "1936:03:01 12:00:00"), {0x927c, 7, 9, "makernote"}, {0xa005, 4, 1, number(8, 4)}}, 200);
  tiff.resize(300, '\0');
  tiff += directory({{0x0002, 5, 3, "LATITUDE of 24 bytes all"}}, 300);
  const std::string exif = exif_of_tiff(tiff);
  EXPECT_TRUE(holds(exif, "1936:03:01 12:00:00") && holds(exif, "LATITUDE"));
  EXPECT_FALSE(holds(exif, "makernote"));
  const std::string placeless = without_gps(exif);
  EXPECT_TRUE(holds(placeless, "1936") && !holds(placeless, "LATITUDE"));
}

TEST(TiffExif, WhatIsNoneGivesNone) {
  const std::string whole = tiff_of({ascii(0x010f, "Kodak"), ascii(0x0110, "Brownie")});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(exif_of_tiff(whole.substr(0, size)).find("Brownie"), std::string::npos) << size;
  for (const auto& bytes : {std::string("II*\0\x08\0\0\0", 8), std::string("MM*\0\x08\0\0\0", 8), std::string("II+\0\x08\0\0\0", 8),
                            std::string("II*\0\xff\xff\xff\xff", 8)})
    EXPECT_EQ(exif_of_tiff(bytes), "");
  EXPECT_EQ(exif_of({{0x0100, 4, 1, number(640, 4)}}), "") << "nothing is said";
  EXPECT_EQ(exif_of({{0x010f, 2, 0xffffffff, "far, far"}}), "") << "beyond the file";
  EXPECT_EQ(exif_of({{0x010f, 99, 2, "ab"}}), "") << "of no known type";
  EXPECT_EQ(exif_of({{0x8769, 4, 1, number(8, 4)}}), "") << "a circle of directories";
}

TEST(TiffExif, ValuesHaveALimit) {
  const auto kept = [](std::size_t size) {
    return !exif_of({{0x010e, 2, static_cast<std::uint32_t>(size), std::string(size, 'x')}}).empty();
  };
  EXPECT_TRUE(kept(8192));
  EXPECT_FALSE(kept(8193));
}

TEST(TiffExif, TheBlockHasALimit) {
  std::vector<Said> many;
  for (std::uint32_t tag = 0; tag < 7; ++tag) many.push_back({0x9003 + tag, 7, 8192, std::string(8192, 'x')});
  std::string tiff = tiff_of({{0x010f, 2, 2, "K"}, {0x8769, 4, 1, number(100, 4)}});
  tiff.resize(100, '\0');
  const std::string seven = exif_of_tiff(tiff + directory(many, 100));
  EXPECT_GT(seven.size(), 7u * 8192);
  many.push_back(many.back());
  many.back().tag = 0x9100;
  EXPECT_EQ(exif_of_tiff(tiff + directory(many, 100)).size(), seven.size());
}

}  // namespace
}  // namespace darkroom::imaging
