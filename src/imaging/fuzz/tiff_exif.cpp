// The EXIF that is read off a TIFF: nothing outside the file is read, and what comes out can be read again.

#include "imaging/tiff_exif.hpp"
#include "fuzz.hpp"
#include "imaging/exif_gps.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  const std::string exif = imaging::exif_of_tiff(view_of(data, size));
  if (exif.empty()) return 0;
  fuzz_check(exif.size() < 65'000, "it fits into no JPEG");
  fuzz_check(exif.starts_with(std::string("Exif\0\0", 6)), "no EXIF block");
  fuzz_check(imaging::exif_of_tiff(std::string_view(exif).substr(6)) == exif, "read again it is another one");
  const std::string placeless = imaging::without_gps(exif);
  fuzz_check(placeless.size() == exif.size(), "its place can't be taken out");
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  // Make, a pointer to GPS at 38, and one GPS entry with a value of 8 bytes; the same the other way round with an EXIF directory.
  std::string small("II*\0\x08\0\0\0", 8);
  small += std::string("\x02\0\x0f\x01\x02\0\x02\0\0\0K\0\0\0\x25\x88\x04\0\x01\0\0\0\x26\0\0\0\0\0\0\0", 30);
  small += std::string("\x01\0\x02\0\x05\0\x01\0\0\0\x38\0\0\0\0\0\0\0", 18) + "LATITUDE";
  std::string large("MM\0*\0\0\0\x08", 8);
  large += std::string(
      "\0\x02\x01\x32\0\x02\0\0\0\x04"
      "1936\x87\x69\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0",
      30);
  large += std::string("\0\x01\x90\x03\0\x02\0\0\0\x05\0\0\0\x38\0\0\0\0", 18) + "date\0";
  return {small, large};
}

std::vector<std::string> fuzz_words() {
  return {"II*",
          "MM",
          std::string("\x25\x88\x04\0\x01\0\0\0", 8),
          std::string("\x69\x87\x04\0\x01\0\0\0", 8),
          "\xff\xff",
          std::string("\x0e\x01\x02\0", 4)};
}
