#include "base/gpus.hpp"

#include <algorithm>
#include <fstream>

#include "base/text.hpp"

namespace darkroom {

std::vector<std::string> nvidia_gpus(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> folders;
  std::error_code fault;
  for (std::filesystem::directory_iterator entry(root, fault), end; !fault && entry != end; entry.increment(fault)) folders.push_back(entry->path());
  std::sort(folders.begin(), folders.end());  // named after their place on the bus
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    std::ifstream file(folder / "information");
    for (std::string line; std::getline(file, line);) {
      const auto colon = line.find(':');
      if (colon != line.npos && trim(std::string_view(line).substr(0, colon)) == "Model") names.emplace_back(trim(std::string_view(line).substr(colon + 1)));
    }
  }
  return names;
}

}  // namespace darkroom
