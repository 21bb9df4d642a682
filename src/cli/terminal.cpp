#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace darkroom {
namespace {

constexpr std::size_t kBarCells = 24;

}  // namespace

Terminal terminal_of_stderr() {
  Terminal terminal;
  terminal.interactive = ::isatty(STDERR_FILENO) != 0;
  winsize size{};
  if (terminal.interactive && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    terminal.columns = size.ws_col;
    terminal.rows = size.ws_row;
  }
  return terminal;
}

std::string bar_text(double share) {
  const auto cells = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * kBarCells);
  return fmt::format("[{}{}]", std::string(cells, '#'), std::string(kBarCells - cells, '.'));
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(std::max(0.0, seconds)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string_view cut_to_columns(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t count = 0; at < text.size() && count < columns; ++count) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return text.substr(0, at);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
  return out;
}

}  // namespace darkroom
