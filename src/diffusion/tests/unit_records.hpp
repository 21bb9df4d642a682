#pragma once
// The recorded numbers of one module: tests/data/golden/unit/NAME.json and NAME.safetensors, or those of $DARKROOM_GOLDEN_UNIT.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/json.hpp"
#include "tensor/safetensors.hpp"

namespace darkroom {

struct UnitRecords {
  explicit UnitRecords(const std::string& name) {
    const char* set = std::getenv("DARKROOM_GOLDEN_UNIT");
    const std::filesystem::path folder = set && *set ? set : DARKROOM_TEST_DATA "/golden/unit";
    std::ifstream file(folder / (name + ".json"), std::ios::binary);
    about = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
    tensors = read_safetensors(folder / (name + ".safetensors")).tensors;
  }
  json::value about;
  StateDict tensors;
};

}  // namespace darkroom
