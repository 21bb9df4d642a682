#pragma once
// The golden cases of tests/data/restore: where they and their models lie. Others of the same form are run with
// DARKROOM_RESTORE_CASES=<folder>. Models: random ones by tests/data/restore/make_models.py, real ones by script/fetch_weights.py.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

namespace fs = std::filesystem;

inline fs::path from_environment(const char* name, const fs::path& fallback) {
  const char* value = std::getenv(name);
  return value && *value ? fs::path(value) : fallback;
}

inline fs::path cache() { return fs::path(std::getenv("HOME") ? std::getenv("HOME") : "/") / ".cache/darkroom"; }

/// The folders of cases: those of the issue, and small pictures and networks, which were watched on spandrel.
inline std::vector<fs::path> cases_folders() {
  const fs::path data = fs::path(DARKROOM_TEST_DATA) / "restore";
  if (const auto own = from_environment("DARKROOM_RESTORE_CASES", {}); !own.empty()) return {own};
  return {data / "cases", data / "small"};
}

/// cases.json of all folders, each case with its file as "file".
inline json::object read_cases() {
  json::object all;
  for (const auto& folder : cases_folders()) {
    std::ifstream in(folder / "cases.json");
    std::ostringstream text;
    text << in.rdbuf();
    auto cases = parse_json(text.str());
    for (auto& [name, info] : cases.as_object()) {
      info.as_object()["file"] = (folder / (std::string(name) + ".safetensors")).string();
      all[name] = info;
    }
  }
  return all;
}

/// "models-srmd/srmd_x2" and "models-upconv_7_photo/noise1_scale2.0x_model" as script/fetch_weights.py calls them.
inline std::string name_here(std::string model) {
  model = model.substr(0, model.find(' '));  // "srvgg_x4_fp16 (ncnn .param/.bin)"
  const std::string photo = "models-upconv_7_photo/";
  if (!model.starts_with(photo)) return model.substr(model.find('/') + 1);
  return "waifu2x_photo_" + model.substr(photo.size(), model.find("scale") - photo.size()) + "x2";
}

inline fs::path model_file(const std::string& model) {
  const auto name = name_here(model);
  const auto shipped = fs::path(DARKROOM_TEST_DATA).parent_path().parent_path() / "models";
  std::string tried;
  for (const auto& folder :
       {from_environment("DARKROOM_RESTORE_MODELS", cache() / "models-test/restore"), fs::path(DARKROOM_TEST_DATA) / "restore/small",
        shipped / "upscale_models", shipped / "denoise", cache() / "models/upscale_models"})
    for (const char* extension : {"", ".safetensors", ".param"}) {
      if (fs::is_regular_file(folder / (name + extension))) return folder / (name + extension);
      tried += "\n  " + (folder / (name + extension)).string();
    }
  throw std::runtime_error("no model " + name + "; looked for" + tried + "\nRun tests/data/restore/make_models.py and script/fetch_weights.py.");
}

}  // namespace darkroom
