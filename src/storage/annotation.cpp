// Annotations: which folder a name means.

#include "storage/folders.hpp"

namespace darkroom {

std::pair<std::string, std::string> split_annotation(std::string_view name) {
  for (const std::string_view type : {"output", "input", "temp"}) {
    const std::string mark = "[" + std::string(type) + "]";
    if (name.size() < mark.size() || name.substr(name.size() - mark.size()) != mark) continue;
    name.remove_suffix(mark.size());
    if (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    return {std::string(name), std::string(type)};
  }
  return {std::string(name), ""};
}

}  // namespace darkroom
