#include "restoration/classes.hpp"

#include <unordered_map>

namespace darkroom::restoration {
namespace {

// Weights are rough shares of the time that a photograph of a megapixel takes; they only place the steps on the bar.
constexpr ClassPart kParts[] = {
    {"LoadImage", Role::kLoadPhoto, "", 0},
    {"LoadImageOutput", Role::kLoadPhoto, "", 0},
    {"RestoreLoad", Role::kLoadPhoto, "", 0},
    {"UpscaleModelLoader", Role::kLoadModel, "", 0},
    {"RestoreModels", Role::kLoadModel, "", 0},
    {"ImageDenoise", Role::kStep, "denoise", 8},
    {"RestoreDenoise", Role::kStep, "denoise", 6},
    {"RestoreScratches", Role::kStep, "scratch", 1},
    {"DDColor", Role::kStep, "colorize", 8},
    {"DDColor_Colorize", Role::kStep, "colorize", 8},
    {"ImageUpscaleWithModel", Role::kStep, "upscale", 20},
    {"RestoreSharpen", Role::kStep, "sharpen", 1},
    {"RestoreSave", Role::kSave, "", 0},
    {"SaveImage", Role::kSave, "", 0},
    {"PreviewImage", Role::kSave, "", 0},
    {"SaveImageWebsocket", Role::kSave, "", 0},
};
constexpr ClassPart kNone{};

}  // namespace

const ClassPart& part_of(std::string_view node_class) {
  // Every node of every prompt is looked up.
  static const auto parts = [] {
    std::unordered_map<std::string_view, const ClassPart*> all;
    for (const ClassPart& part : kParts) all.emplace(part.name, &part);
    return all;
  }();
  const auto at = parts.find(node_class);
  return at == parts.end() ? kNone : *at->second;
}

}  // namespace darkroom::restoration
