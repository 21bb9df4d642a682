#include <numeric>

#include "base/error.hpp"
#include "imaging/animation.hpp"
#include "imaging/png.hpp"

namespace darkroom::imaging {
namespace {

void append_be16(std::string& out, int value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value));
}

/// Seconds as a fraction of two 16-bit numbers; very long times lose milliseconds.
std::pair<int, int> as_fraction(int milliseconds) {
  int denominator = 1000;
  while (true) {
    const int divisor = std::gcd(milliseconds, denominator);
    if (milliseconds / divisor <= 65535) return {milliseconds / divisor, denominator / divisor};
    milliseconds = (milliseconds + 5) / 10;
    denominator /= 10;
  }
}

/// fcTL: a whole frame, shown as it is (dispose none, blend source).
std::string frame_control(std::uint32_t sequence, const Animation& animation) {
  const auto [numerator, denominator] = as_fraction(animation.frame_ms);
  std::string body;
  append_be32(body, sequence);
  append_be32(body, static_cast<std::uint32_t>(animation.width));
  append_be32(body, static_cast<std::uint32_t>(animation.height));
  append_be32(body, 0);
  append_be32(body, 0);
  append_be16(body, numerator);
  append_be16(body, denominator);
  body.append(2, '\0');
  return body;
}

}  // namespace

std::string encode_apng(const Animation& animation, int level, const Texts& texts) {
  if (animation.frames.empty()) throw InvalidInput("an animation without frames");
  const bool moves = animation.frames.size() > 1;
  std::string out;
  append_png_signature(out);
  append_png_chunk(out, "IHDR", png_header(animation.width, animation.height, animation.channels));
  if (moves) {
    std::string control;
    append_be32(control, static_cast<std::uint32_t>(animation.frames.size()));
    append_be32(control, 0);  // plays: for ever
    append_png_chunk(out, "acTL", control);
  }
  std::uint32_t sequence = 0;
  for (std::size_t i = 0; i < animation.frames.size(); ++i) {
    const std::string pixels = compress_png_rows(animation.frames[i].data(), animation.width, animation.height, animation.channels, level);
    if (moves) append_png_chunk(out, "fcTL", frame_control(sequence++, animation));
    if (i == 0) {
      append_png_chunk(out, "IDAT", pixels);
      continue;
    }
    std::string body;
    append_be32(body, sequence++);
    append_png_chunk(out, "fdAT", body + pixels);
  }
  for (const auto& [key, text] : texts) append_png_chunk(out, "comf", key + '\0' + text);
  append_png_chunk(out, "IEND", {});
  return out;
}

}  // namespace darkroom::imaging
