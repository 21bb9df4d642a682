#include "cli/transfer_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "cli/report.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kRedrawMs = 100;
constexpr std::int64_t kSettleMs = 1000;  ///< a speed over less than this says nothing

}  // namespace

double TransferView::share(std::uint64_t bytes) const {
  return size_ && *size_ > 0 ? static_cast<double>(bytes) / static_cast<double>(*size_) : 0;
}

void TransferView::begin(std::uint64_t bytes, std::optional<std::uint64_t> size) {
  first_ = bytes;
  size_ = size;
  began_ms_ = steady_ms();
  drawn_ms_ = 0;
  tenth_ = static_cast<int>(share(bytes) * 10);
}

void TransferView::at(std::uint64_t bytes) {
  if (quiet_) return;
  if (terminal_.interactive) {
    const std::int64_t now = steady_ms();
    if (now - drawn_ms_ < kRedrawMs) return;
    drawn_ms_ = now;
    draw(bytes);
  } else if (const int tenth = static_cast<int>(share(bytes) * 10); size_ && tenth > tenth_) {
    tenth_ = tenth;
    out_ << fmt::format("{:3}%  {} of {}", tenth * 10, size_text(bytes), size_text(*size_)) << std::endl;
  }
}

void TransferView::draw(std::uint64_t bytes) {
  std::string line = size_ ? fmt::format("{} {} of {}", bar_text(share(bytes)), size_text(bytes), size_text(*size_)) : size_text(bytes);
  const std::int64_t took = drawn_ms_ - began_ms_;
  if (took >= kSettleMs && bytes > first_) {
    const double speed = static_cast<double>(bytes - first_) * 1000 / static_cast<double>(took);
    line += fmt::format("  {}/s", size_text(static_cast<std::uintmax_t>(speed)));
    if (size_) line += fmt::format("  {} left", duration_text(static_cast<double>(*size_ - std::min(bytes, *size_)) / speed));
  }
  out_ << '\r' << cut_to_columns(line, terminal_.columns > 1 ? terminal_.columns - 1 : 1) << "\x1b[K" << std::flush;
  shown_ = true;
}

void TransferView::say(const std::string& line) {
  clear();
  out_ << line << std::endl;
}

void TransferView::clear() {
  if (!shown_) return;
  out_ << "\r\x1b[K" << std::flush;
  shown_ = false;
  drawn_ms_ = 0;
}

}  // namespace darkroom
