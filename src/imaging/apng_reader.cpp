#include "imaging/apng_reader.hpp"

#include "base/error.hpp"
#include "imaging/png.hpp"

namespace darkroom::imaging {
namespace {

constexpr std::size_t kSignature = 8;

std::uint32_t be32(std::string_view body, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(body[at + i]);
  return value;
}

/// Walks the chunks of a PNG: `next()` until it gives false at the end or where the file is cut.
class Chunks {
 public:
  explicit Chunks(std::string_view bytes) : rest_(bytes.substr(kSignature)) {}
  bool next() {
    if (rest_.size() < 12) return false;
    const std::uint32_t size = be32(rest_, 0);
    if (size > rest_.size() - 12) return false;
    type = rest_.substr(4, 4);
    body = rest_.substr(8, size);
    rest_.remove_prefix(std::size_t{12} + size);
    return true;
  }
  std::string_view type, body;

 private:
  std::string_view rest_;
};

/// Collects the frames; a frame's picture is complete when the next one begins.
class Splitter {
 public:
  ApngFile file;

  void header(std::string_view body) {
    header_ = body;
    file.width = be32(body, 0);
    file.height = be32(body, 4);
    // A picture before the first fcTL is a frame too: Pillow shows it first.
    current_ = {0, 0, file.width, file.height, 0, false, {}};
  }
  void common(std::string_view type, std::string_view body) { append_png_chunk(common_, type, body); }
  void control(std::string_view body) {
    finish();
    current_ = {be32(body, 12), be32(body, 16), be32(body, 4), be32(body, 8), static_cast<std::uint8_t>(body[24]), body[25] == 1, {}};
    if (std::uint64_t{current_.x} + current_.width > file.width || std::uint64_t{current_.y} + current_.height > file.height)
      throw InvalidInput("an animated PNG with a frame off its canvas");
  }
  void data(std::string_view body) { data_.append(body); }
  void finish() {
    if (data_.empty()) return;
    std::string header;
    append_be32(header, current_.width);
    append_be32(header, current_.height);
    header.append(header_.substr(8));
    append_png_signature(current_.png);
    append_png_chunk(current_.png, "IHDR", header);
    current_.png += common_;
    append_png_chunk(current_.png, "IDAT", data_);
    append_png_chunk(current_.png, "IEND", {});
    file.frames.push_back(std::move(current_));
    current_ = {};
    data_.clear();
  }

 private:
  std::string_view header_;
  std::string common_, data_;  ///< chunks that every frame needs; compressed pixels of the current one
  ApngFrame current_;
};

}  // namespace

ApngFile split_apng(std::string_view bytes, std::size_t max_frames) {
  if (!bytes.starts_with("\x89PNG\r\n\x1a\n")) return {};
  Splitter splitter;
  bool animated = false, seen_data = false;
  for (Chunks chunk(bytes); chunk.next() && chunk.type != "IEND" && splitter.file.frames.size() < max_frames;) {
    if (chunk.type == "IHDR" && chunk.body.size() == 13) splitter.header(chunk.body);
    else if (chunk.type == "acTL") animated = true;
    else if (chunk.type == "fcTL" && chunk.body.size() == 26) splitter.control(chunk.body);
    else if (chunk.type == "IDAT") {
      if (!animated) return {};  // acTL comes before the pixels or not at all
      seen_data = true;
      splitter.data(chunk.body);
    } else if (chunk.type == "fdAT" && chunk.body.size() >= 4) splitter.data(chunk.body.substr(4));
    else if (chunk.type == "PLTE" || chunk.type == "tRNS") splitter.common(chunk.type, chunk.body);
  }
  if (!animated || !seen_data) return {};
  splitter.finish();
  return std::move(splitter.file);
}

}  // namespace darkroom::imaging
