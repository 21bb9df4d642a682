#pragma once
// What can be done on this server: which node classes its workers have, and which models lie in its folders.

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/json.hpp"

namespace darkroom {
class ChoiceLists;
class SchemaSet;
}  // namespace darkroom

namespace darkroom::restoration {

struct Abilities {
  std::vector<std::string> colorizers, upscalers, denoisers;  ///< models by name, the preferred first
  std::unordered_set<std::string> classes;                    ///< those of the restoration nodes that are there

  bool has(std::string_view node_class) const { return classes.contains(std::string(node_class)); }
  bool can(std::string_view source) const;                    ///< denoise, scratch, colorize, upscale, sharpen
  /// `{"models": {"colorize": [{"name","demonstration"}], "upscale": [...], "denoise": [...]}, "steps": [...]}`
  json::object to_json() const;
};

/// Reads folders: call it on the pool.
Abilities abilities_of(const SchemaSet& schemas, ChoiceLists& lists);

/// How much an upscaler enlarges, by its name: `realesr-animevideov3-x2.param` 2, `2x_model.pth` 2, `RealESRGAN_x4plus.pth` 4, NAFNet's 1;
/// 4 when it doesn't say.
int scale_of(std::string_view model_name);

}  // namespace darkroom::restoration
