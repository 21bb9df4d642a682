#include "restoration/abilities.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "restoration/classes.hpp"
#include "storage/model_names.hpp"
#include "workflow/schema.hpp"

namespace darkroom::restoration {
namespace {

constexpr std::string_view kClasses[] = {"LoadImage",        "RestoreLoad",    "RestoreModels", "RestoreDenoise",     "ImageDenoise",
                                         "RestoreScratches", "RestoreSharpen", "DDColor",       "UpscaleModelLoader", "ImageUpscaleWithModel",
                                         "ImageScaleBy",     "SaveImage",      "RestoreSave"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool contains(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

/// The small network that ships comes first: seconds where the large ones take minutes. Last those that smooth rather than draw what isn't
/// there: for whoever asks for them.
int rank_of_upscaler(const std::string& name) {
  const std::string low = lower(name);
  return contains(low, "animevideov3") ? 0 : contains(low, "x4plus") ? 1 : contains(low, "srmd") || contains(low, "waifu2x") ? 3 : 2;
}

/// Big before small, trained before made for a demonstration.
int rank_of_colorizer(const std::string& name) {
  const std::string low = lower(name);
  return is_demonstration(name) ? 9 : contains(low, "artistic") ? 2 : contains(low, "modelscope") ? 0 : contains(low, "tiny") ? 3 : 1;
}

template <class Rank>
std::vector<std::string> listed(ChoiceLists& lists, const char* folder, Rank rank) {
  std::vector<std::string> names = lists.list({ListSource::Kind::kModels, folder});
  std::ranges::stable_sort(names, {}, rank);
  return names;
}

}  // namespace

int scale_of(std::string_view model_name) {
  const std::string low = lower(model_name);
  if (contains(low, "nafnet")) return 1;
  for (std::size_t i = 0; i + 1 < low.size(); ++i) {
    const bool free_left = i == 0 || !is_digit(low[i - 1]), free_right = i + 2 >= low.size() || !is_digit(low[i + 2]);
    const char digit = low[i] == 'x' && free_right ? low[i + 1] : low[i + 1] == 'x' && free_left ? low[i] : '\0';
    if (digit >= '1' && digit <= '8') return digit - '0';
  }
  return 4;
}

bool Abilities::can(std::string_view source) const {
  if (source == "denoise") return has("RestoreDenoise") || (has("ImageDenoise") && !denoisers.empty());
  if (source == "scratch") return has("RestoreScratches");
  if (source == "colorize") return has("DDColor") && !colorizers.empty();
  if (source == "upscale")
    return has("UpscaleModelLoader") && has("ImageUpscaleWithModel") &&
           std::ranges::any_of(upscalers, [](const auto& name) { return scale_of(name) > 1; });
  return source == "sharpen" && has("RestoreSharpen");
}

json::object Abilities::to_json() const {
  const auto plain = [](const auto& names) { return json::array(names.begin(), names.end()); };
  json::array colour;
  for (const auto& name : colorizers)
    colour.push_back(json::object{{"name", name}, {"demonstration", is_demonstration(name)}});
  json::array steps;
  for (const std::string_view source : kSources)
    if (can(source)) steps.emplace_back(source);
  return {{"models", json::object{{"colorize", std::move(colour)}, {"upscale", plain(upscalers)}, {"denoise", plain(denoisers)}}},
          {"steps", std::move(steps)}};
}

Abilities abilities_of(const SchemaSet& schemas, ChoiceLists& lists) {
  Abilities abilities;
  for (const std::string_view name : kClasses)
    if (schemas.find(name)) abilities.classes.emplace(name);
  abilities.upscalers = listed(lists, "upscale_models", rank_of_upscaler);
  if (abilities.has("ImageDenoise")) abilities.denoisers = listed(lists, "denoise", [](const auto&) { return 0; });
  if (abilities.has("DDColor")) abilities.colorizers = listed(lists, "ddcolor", rank_of_colorizer);
  return abilities;
}

}  // namespace darkroom::restoration
