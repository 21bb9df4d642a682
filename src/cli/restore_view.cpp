#include "cli/restore_view.hpp"

#include <fmt/format.h>

#include <string_view>

#include "cli/terminal.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kRedrawMs = 50;
constexpr std::size_t kNameColumns = 28;  ///< of a photograph's name in the bar

std::string_view without_folders(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void RestoreView::begin(std::size_t photos) {
  photos_ = photos;
  begun_ms_ = clock_();
}

void RestoreView::started(const std::string& name) {
  name_ = printable(name);
  progress_ = {};
  draw();
}

void RestoreView::progress(const PhotoProgress& progress) {
  progress_ = progress;
  draw();
}

void RestoreView::ended(const std::string& how) {
  const std::string line = counted() + " " + name_ + how;
  ++done_;
  name_.clear();
  progress_ = {};
  if (style_ == Style::kLines) out_ << line << std::endl;
  draw();
}

void RestoreView::say(const std::string& line) {
  if (style_ == Style::kSilent) return;
  clear();
  out_ << line << std::endl;
  draw();
}

void RestoreView::clear() {
  if (!shown_.empty()) out_ << "\r\x1b[K" << std::flush;
  shown_.clear();
  drawn_ms_ = 0;
}

std::string RestoreView::counted() const { return fmt::format("{}/{}", done_ + 1, photos_); }

/// For all that is to be done, once one is; before, for the photograph at work.
std::string RestoreView::left() const {
  if (done_ > 0) {
    const double share = static_cast<double>(done_) + progress_.percent / 100;
    const double took = static_cast<double>(clock_() - begun_ms_) / 1000;
    return "  " + duration_text(took / share * (static_cast<double>(photos_) - share)) + " left";
  }
  if (!progress_.seconds_left) return "";
  const auto [low, high] = *progress_.seconds_left;
  return "  " + duration_text((low + high) / 2) + " left" + (photos_ > 1 ? " for this photo" : "");
}

void RestoreView::draw() {
  if (style_ != Style::kBar || photos_ == 0 || done_ == photos_) return;
  const std::int64_t now = clock_();
  if (!shown_.empty() && now - drawn_ms_ < kRedrawMs) return;
  const double share = (static_cast<double>(done_) + progress_.percent / 100) / static_cast<double>(photos_);
  std::string line = fmt::format("{} {}  {}", bar_text(share), counted(), cut_to_columns(without_folders(name_), kNameColumns));
  if (!progress_.text.empty()) line += fmt::format("  {:.0f} %{}  {}", progress_.percent, left(), printable(progress_.text));
  line = cut_to_columns(line, columns_ > 1 ? columns_ - 1 : 1);
  if (line == shown_) return;
  out_ << '\r' << line << "\x1b[K" << std::flush;
  shown_ = line;
  drawn_ms_ = now;
}

}  // namespace darkroom
