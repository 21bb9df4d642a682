#include "cli/preview_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <openssl/evp.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPauseMs = 400;          ///< between two pictures: more would flicker
constexpr std::size_t kTallest = 20, kShortest = 6;
constexpr std::size_t kRowsBeside = 4;          ///< of the terminal, for the bar and some text
constexpr std::size_t kKittyChunk = 4096;       ///< base64 in one escape sequence

/// Empty lines for the picture, the cursor at the first of them and kept there; behind the picture the cursor goes below.
TerminalPicture placed(const std::string& sequence, std::size_t rows, std::string erase) {
  return {fmt::format("{}\x1b[{}A\x1b" "7{}\x1b" "8\x1b[{}B\r", std::string(rows, '\n'), rows, sequence, rows), rows, std::move(erase)};
}

TerminalPicture iterm(std::string_view encoded, std::size_t rows) {
  return placed(fmt::format("\x1b]1337;File=inline=1;width={};height={};preserveAspectRatio=1:{}\a", rows * 2, rows, base64(encoded)), rows, "");
}

TerminalPicture kitty(std::string_view png, std::size_t rows) {
  const std::string text = base64(png);
  std::string sequence;
  for (std::size_t at = 0; at < text.size(); at += kKittyChunk) {
    const bool last = at + kKittyChunk >= text.size();
    const std::string keys = at == 0 ? fmt::format("a=T,f=100,i=1,q=2,C=1,r={},", rows) : "";
    sequence += fmt::format("\x1b_G{}m={};{}\x1b\\", keys, last ? 0 : 1, std::string_view(text).substr(at, kKittyChunk));
  }
  return placed(sequence, rows, "\x1b_Ga=d,d=I,i=1,q=2\x1b\\");
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

PreviewForm preview_form(const Environment& environment) {
  const std::string term = environment("TERM"), program = environment("TERM_PROGRAM"), colours = environment("COLORTERM");
  const bool passed_on = term.starts_with("screen") || term.starts_with("tmux") || !environment("TMUX").empty();
  if (term.empty() || term == "dumb") return PreviewForm::kNone;
  if (!passed_on && (term == "xterm-kitty" || term == "xterm-ghostty")) return PreviewForm::kKitty;
  if (!passed_on && (program == "iTerm.app" || program == "WezTerm" || program == "mintty")) return PreviewForm::kITerm;
  if (colours == "truecolor" || colours == "24bit") return PreviewForm::kBlocks;
  return PreviewForm::kNone;
}

PreviewScreen::PreviewScreen(PreviewForm form, Terminal terminal) : form_(form), helper_(PictureHelper::beside_this_program()) {
  rows_ = std::min({kTallest, terminal.rows - std::min(terminal.rows, kRowsBeside), (terminal.columns - std::min<std::size_t>(terminal.columns, 1)) / 2});
  if (rows_ < kShortest) form_ = PreviewForm::kNone;
  if (on()) file_ = fs::temp_directory_path() / ("darkroom-preview-" + random_hex(16));
}

PreviewScreen::~PreviewScreen() {
  std::error_code ignored;
  if (!file_.empty()) fs::remove(file_, ignored);
}

std::string PreviewScreen::made_of(std::string_view encoded, const std::vector<std::string>& arguments) {
  std::ofstream(file_, std::ios::binary | std::ios::trunc).write(encoded.data(), static_cast<std::streamsize>(encoded.size()));
  return helper_.run_now(arguments, file_);
}

TerminalPicture PreviewScreen::show(std::string_view encoded) {
  const std::int64_t now = steady_ms();
  if (!on() || encoded.empty() || (shown_ms_ != 0 && now - shown_ms_ < kPauseMs)) return {};
  try {
    TerminalPicture picture;
    if (form_ == PreviewForm::kITerm) picture = iterm(encoded, rows_);
    else if (form_ == PreviewForm::kKitty) picture = kitty(made_of(encoded, {"channel", "rgb"}), rows_);
    else picture = half_blocks(made_of(encoded, {"pixels", std::to_string(rows_ * 2)}));
    shown_ms_ = steady_ms();
    return picture;
  } catch (const Error&) {
    form_ = PreviewForm::kNone;  // pictures are an extra: a run does not end for one, and asks for no more of them
    return {};
  }
}

TerminalPicture half_blocks(std::string_view ppm) {
  std::size_t at = 2;
  const auto number = [&] {
    while (at < ppm.size() && (ppm[at] == ' ' || ppm[at] == '\n')) ++at;
    std::size_t value = 0;
    const auto [end, fault] = std::from_chars(ppm.data() + at, ppm.data() + ppm.size(), value);
    if (fault != std::errc()) throw InvalidInput("not a PPM");
    at = static_cast<std::size_t>(end - ppm.data());
    return value;
  };
  if (!ppm.starts_with("P6")) throw InvalidInput("not a PPM");
  const std::size_t width = number(), height = number(), top = number();
  ++at;
  if (top != 255 || width == 0 || height == 0 || width > 4096 || height > 4096 || ppm.size() - std::min(at, ppm.size()) != width * height * 3) throw InvalidInput("not an 8-bit PPM");
  const auto colour = [&](std::size_t x, std::size_t y, int layer) {
    const auto* p = reinterpret_cast<const unsigned char*>(ppm.data()) + at + (y * width + x) * 3;
    return fmt::format("\x1b[{}8;2;{};{};{}m", layer, p[0], p[1], p[2]);
  };
  TerminalPicture picture;
  for (std::size_t y = 0; y < height; y += 2, ++picture.rows) {
    for (std::size_t x = 0; x < width; ++x) {
      picture.text += colour(x, y, 3);
      if (y + 1 < height) picture.text += colour(x, y + 1, 4);
      picture.text += "\u2580";
    }
    picture.text += "\x1b[0m\n";
  }
  return picture;
}

}  // namespace darkroom
