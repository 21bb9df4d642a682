#include "cli/restore_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/terminal.hpp"

namespace darkroom {
namespace {

using State = PhotoOutcome::State;

const char* name_of(State state) {
  switch (state) {
    case State::kRestored: return "restored";
    case State::kDoneBefore: return "skipped";
    case State::kFailed: return "failed";
    case State::kNotDone: return "not_done";
  }
  return "";
}

/// A path as JSON may hold it: bytes that are no UTF-8 become "?".
std::string json_path(const std::filesystem::path& path) {
  std::string text = path.string();
  if (!is_valid_utf8(text))
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

}  // namespace

std::string json_line(const PhotoOutcome& outcome) {
  json::object line{{"file", json_path(outcome.photo)}, {"state", name_of(outcome.state)}};
  if (!outcome.result.empty()) line.emplace("result", json_path(outcome.result));
  if (outcome.was_begun) line.emplace("seconds", std::round(outcome.seconds * 1000) / 1000);
  if (!outcome.code.empty()) line.emplace("code", outcome.code);
  if (!outcome.why.empty()) line.emplace("error", outcome.why);
  return dump(json::value(line));
}

std::string summary(const std::vector<PhotoOutcome>& outcomes, double seconds, bool all) {
  const auto count = [&](State state) { return std::ranges::count(outcomes, state, &PhotoOutcome::state); };
  std::string text;
  if (all) {
    text = fmt::format("{} restored", count(State::kRestored));
    if (const auto number = count(State::kDoneBefore)) text += fmt::format(", {} done before (--overwrite does them again)", number);
    if (const auto number = count(State::kFailed)) text += fmt::format(", {} failed", number);
    if (const auto number = count(State::kNotDone)) text += fmt::format(", {} not done", number);
    text += " in " + duration_text(seconds) + "\n";
  }
  for (const PhotoOutcome& outcome : outcomes)
    if (outcome.state == State::kFailed) text += fmt::format("failed: {}: {}\n", printable(outcome.photo.string()), printable(outcome.why));
  return text;
}

}  // namespace darkroom
