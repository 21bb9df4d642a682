#include "restoration/message.hpp"

#include <array>
#include <cmath>

namespace darkroom::restoration {
namespace {

constexpr std::array<std::string_view, 6> kStages{"upload", "preprocess", "load_model", "inference", "postprocess", "complete"};

/// One decimal; whole numbers without one.
json::value rounded(double progress) {
  const double tenths = std::round(progress * 10);
  if (std::fmod(tenths, 10) == 0) return static_cast<std::int64_t>(tenths / 10);
  return tenths / 10;
}

bool is_own(std::string_view key) {
  return key == "stage" || key == "say" || key == "with" || key == "progress" || key == "source" || key == "code";
}

}  // namespace

std::string_view name_of(Stage stage) { return kStages[static_cast<std::size_t>(stage)]; }

Stage stage_of(std::string_view name) {
  for (std::size_t i = 0; i < kStages.size(); ++i)
    if (kStages[i] == name) return static_cast<Stage>(i);
  return Stage::kUpload;
}

json::object kept(const Message& message) {
  json::object out{{"stage", name_of(message.stage)}, {"say", message.say}};
  if (!message.with.empty()) out.emplace("with", message.with);
  out.emplace("progress", rounded(message.progress));
  out.emplace("source", message.source.empty() ? json::value() : json::value(message.source));
  for (const auto& [key, value] : message.extra) out.insert_or_assign(key, value);
  return out;
}

json::object kept_error(std::string_view code, std::string_view say, json::object with, Stage stage) {
  json::object out{{"stage", name_of(stage)}, {"say", say}, {"code", code}};
  if (!with.empty()) out.emplace("with", std::move(with));
  return out;
}

std::string words_of(const json::object& kept, Language language) {
  static const json::object nothing;
  const auto* with = find_object(kept, "with");
  return words(language, string_or(kept, "say", ""), with ? *with : nothing);
}

bool is_end(const json::object& kept) { return kept.contains("code") || string_or(kept, "stage", "") == "complete"; }

std::string sent(const json::object& kept, std::int64_t seq, std::string_view job_id, Language language) {
  json::object out{{"seq", seq}, {"job_id", job_id}};
  const auto copy = [&](std::string_view key) {
    if (const auto* value = find(kept, key)) out.emplace(key, *value);
  };
  const std::string text = words_of(kept, language);
  if (kept.contains("code")) {
    out.emplace("error", text);
    copy("code");
    out.emplace("progress", 0);
    copy("stage");
  } else {
    copy("stage");
    out.emplace("message", text);
    copy("progress");
    copy("source");
  }
  for (const auto& [key, value] : kept)
    if (!is_own(key)) out.emplace(key, value);
  return dump(json::value(std::move(out)));
}

}  // namespace darkroom::restoration
