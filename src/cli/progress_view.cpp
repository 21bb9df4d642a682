#include "cli/progress_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text.hpp"
#include "workflow/graph.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kRedrawMs = 50;
constexpr std::size_t kBarCells = 24;

/// "12" of 12.0, "0.5" of 0.5.
std::string number(double value) { return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value); }

/// The first `columns` characters of a UTF-8 text.
std::string_view cut(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t count = 0; at < text.size() && count < columns; ++count) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return text.substr(0, at);
}

/// Titles come from files: what moves the cursor must not reach the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) out += c;
  return out;
}

}  // namespace

void ProgressView::begin(const json::object& prompt, std::size_t needed) {
  needed_ = needed;
  for (const auto& [id, value] : prompt) {
    const auto* node = value.if_object();
    if (!node) continue;
    const auto* meta = find_object(*node, "_meta");
    const std::string node_class = string_or(*node, "class_type", "");
    const std::string title = meta ? string_or(*meta, "title", node_class) : node_class;
    names_[std::string(id)] = printable(title == node_class ? node_class : title + " (" + node_class + ")");
  }
  draw();
}

std::string ProgressView::name_of(const std::string& node) const {
  const auto at = names_.find(node);
  return at == names_.end() ? "node " + printable(node) : printable(node) + " " + at->second;
}

void ProgressView::cached(const std::string& node) {
  done_.insert(node);
  if (style_ == Style::kLines) out_ << "cached   " << name_of(node) << std::endl;
  draw();
}

void ProgressView::started(const std::string& node) {
  if (current_ != node && style_ == Style::kLines) out_ << "running  " << name_of(node) << std::endl;
  current_ = node;
  value_ = max_ = 0;
  draw();
}

void ProgressView::step(const std::string& node, double value, double max) {
  current_ = node;
  value_ = value;
  max_ = max;
  if (style_ == Style::kLines && max > 1) {
    // Ten lines a node at most, however many steps it has.
    const auto tenth = [&](double steps) { return std::floor(steps * 10 / max); };
    if (value >= max || tenth(value) > tenth(value - 1)) out_ << "         " << name_of(node) << "  " << number(value) << "/" << number(max) << std::endl;
  }
  draw();
}

void ProgressView::finished(const std::string& node) {
  const bool is_new = done_.insert(node).second;
  if (current_ == node) {
    current_.clear();
    max_ = 0;
  }
  if (is_new && style_ == Style::kLines) out_ << "finished " << name_of(node) << std::endl;
  draw();
}

void ProgressView::say(const std::string& line) {
  clear();
  out_ << line << std::endl;
  draw();
}

void ProgressView::clear() {
  if (shown_.empty()) return;
  out_ << "\r\x1b[K" << std::flush;
  shown_.clear();
  drawn_ms_ = 0;
}

void ProgressView::draw() {
  if (style_ != Style::kBar || needed_ == 0) return;
  const std::int64_t now = steady_ms();
  if (!shown_.empty() && now - drawn_ms_ < kRedrawMs) return;
  // A step counts as its part of a node. Made nodes may let more be done than were counted.
  const double part = max_ > 0 ? std::clamp(value_ / max_, 0.0, 1.0) : 0.0;
  const double share = std::min(1.0, (static_cast<double>(std::min(done_.size(), needed_)) + (current_.empty() ? 0 : part)) / static_cast<double>(needed_));
  const auto cells = static_cast<std::size_t>(share * kBarCells);
  std::string line = fmt::format("[{}{}] {}/{}", std::string(cells, '#'), std::string(kBarCells - cells, '.'), std::min(done_.size(), needed_), needed_);
  if (!current_.empty()) line += "  " + name_of(current_);
  if (max_ > 1) line += fmt::format("  {}/{}", number(value_), number(max_));
  line = cut(line, columns_ > 1 ? columns_ - 1 : 1);
  if (line == shown_) return;
  out_ << '\r' << line << "\x1b[K" << std::flush;
  shown_ = line;
  drawn_ms_ = now;
}

std::size_t nodes_needed(const json::object& prompt, const std::vector<std::string>& outputs) {
  std::set<std::string, std::less<>> seen;
  std::vector<std::string_view> open(outputs.begin(), outputs.end());
  while (!open.empty()) {
    const std::string_view id = open.back();
    open.pop_back();
    const auto* node = find_object(prompt, id);
    if (!node || !seen.emplace(id).second) continue;
    if (const auto* inputs = find_object(*node, "inputs"))
      for (const auto& [name, value] : *inputs)
        if (is_link(value)) open.emplace_back(value.get_array()[0].get_string());
  }
  return seen.size();
}

}  // namespace darkroom
