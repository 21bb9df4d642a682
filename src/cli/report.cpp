#include "cli/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace darkroom {
namespace {

constexpr std::size_t kNameColumns = 22;

}  // namespace

void Report::section(std::string title) { sections_.push_back({std::move(title), {}}); }

void Report::add(Mark mark, std::string name, std::string text) {
  if (sections_.empty()) section("");
  sections_.back().lines.push_back({mark, std::move(name), std::move(text)});
}

void Report::fact(std::string name, std::string text) { add(Mark::kFact, std::move(name), std::move(text)); }
void Report::good(std::string name, std::string text) { add(Mark::kGood, std::move(name), std::move(text)); }
void Report::absent(std::string name, std::string text) { add(Mark::kAbsent, std::move(name), std::move(text)); }

void Report::missing(std::string name, std::string text, std::string remedy) {
  add(Mark::kMissing, std::move(name), std::move(text));
  if (std::find(remedies_.begin(), remedies_.end(), remedy) == remedies_.end()) remedies_.push_back(std::move(remedy));
}

void Report::print(std::ostream& out, bool colour) const {
  const auto painted = [&](const char* code, std::string_view text) { return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text); };
  const auto mark = [&](Mark which) {
    switch (which) {
      case Mark::kFact: return std::string("  ");
      case Mark::kGood: return painted("32", "ok");
      case Mark::kAbsent: return painted("33", "- ");
      case Mark::kMissing: return painted("31", "!!");
    }
    return std::string();
  };
  for (const auto& one : sections_) {
    out << painted("1", one.title) << '\n';
    for (const auto& line : one.lines) out << fmt::format("  {} {:<{}} {}\n", mark(line.mark), line.name, kNameColumns, line.text);
  }
  if (complete()) {
    out << "Nothing is missing.\n";
    return;
  }
  out << painted("1", "To do") << '\n';
  for (const auto& remedy : remedies_) out << "  " << remedy << '\n';
}

std::string size_text(std::uintmax_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 || amount >= 100 ? fmt::format("{:.0f} {}", amount, kUnits[unit]) : fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

}  // namespace darkroom
