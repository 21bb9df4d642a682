#include "cli/hardware.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/text.hpp"

namespace darkroom {
namespace {

/// "value" of a line "key  : value" with this key; nothing for others.
std::string_view value_of(std::string_view line, std::string_view key) {
  const auto colon = line.find(':');
  if (colon == line.npos || trim(line.substr(0, colon)) != key) return {};
  return trim(line.substr(colon + 1));
}

}  // namespace

std::vector<std::string> known_features() {
  return {"sse4_2", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "bf16", "sve"};
}

bool Processor::has(std::string_view feature) const { return std::find(features.begin(), features.end(), feature) != features.end(); }

Processor parse_cpuinfo(std::string_view text) {
  Processor processor;
  std::unordered_set<std::string> flags;
  for (const auto& line : split(text, '\n')) {
    if (!value_of(line, "processor").empty()) ++processor.threads;
    if (processor.model.empty()) processor.model = value_of(line, "model name");
    if (!flags.empty()) continue;
    for (const char* key : {"flags", "Features"})
      for (const auto& flag : split(value_of(line, key), ' '))
        if (!flag.empty()) flags.insert(flag);
  }
  for (const auto& feature : known_features())
    if (flags.contains(feature)) processor.features.push_back(feature);
  return processor;
}

}  // namespace darkroom
