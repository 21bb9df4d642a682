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

/// "12" of 12.0, "0.5" of 0.5.
std::string number(double value) { return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value); }

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
  first_step_ = {};
  left_text_.clear();
  draw();
}

void ProgressView::step(const std::string& node, double value, double max) {
  if (current_ != node || max_ != max || value < value_) first_step_ = {};
  current_ = node;
  value_ = value;
  max_ = max;
  // The first step packs weights for the device: what comes later is measured without it.
  if (value > 0 && first_step_.ms == 0) first_step_ = {value, clock_()};
  left_text_.clear();
  if (value > first_step_.value && value < max) {
    const double took = static_cast<double>(clock_() - first_step_.ms) / 1000;
    const double left = took / (value - first_step_.value) * (max - value);
    if (left >= 1) left_text_ = "  " + duration_text(left) + " left";
  }
  if (style_ == Style::kLines && max > 1) {
    // Ten lines a node at most, however many steps it has.
    const auto tenth = [&](double steps) { return std::floor(steps * 10 / max); };
    if (value >= max || tenth(value) > tenth(value - 1)) out_ << "         " << name_of(node) << "  " << number(value) << "/" << number(max) << left_text_ << std::endl;
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

void ProgressView::picture(const TerminalPicture& picture) {
  if (style_ != Style::kBar || picture.rows == 0) return;
  clear();
  out_ << picture.text << std::flush;
  picture_ = picture;
  draw();
}

void ProgressView::say(const std::string& line) {
  const TerminalPicture kept = picture_;
  clear();
  out_ << line << std::endl;
  if (kept.rows > 0) picture(kept);
  draw();
}

void ProgressView::clear() {
  if (!shown_.empty()) out_ << "\r\x1b[K";
  if (picture_.rows > 0) out_ << picture_.erase << "\r\x1b[" << picture_.rows << "A\x1b[J";
  if (!shown_.empty() || picture_.rows > 0) out_ << std::flush;
  shown_.clear();
  picture_ = {};
  drawn_ms_ = 0;
}

void ProgressView::draw() {
  if (style_ != Style::kBar || needed_ == 0) return;
  const std::int64_t now = clock_();
  if (!shown_.empty() && now - drawn_ms_ < kRedrawMs) return;
  // A step counts as its part of a node. Made nodes may let more be done than were counted.
  const double part = max_ > 0 ? std::clamp(value_ / max_, 0.0, 1.0) : 0.0;
  const double share = std::min(1.0, (static_cast<double>(std::min(done_.size(), needed_)) + (current_.empty() ? 0 : part)) / static_cast<double>(needed_));
  std::string line = fmt::format("{} {}/{}", bar_text(share), std::min(done_.size(), needed_), needed_);
  if (!current_.empty()) line += "  " + name_of(current_);
  if (max_ > 1) line += fmt::format("  {}/{}{}", number(value_), number(max_), left_text_);
  line = cut_to_columns(line, columns_ > 1 ? columns_ - 1 : 1);
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
