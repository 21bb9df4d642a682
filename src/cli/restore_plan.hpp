#pragma once
// What is to be done with each photograph of a run: restored, or left alone and why.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/photo_selection.hpp"
#include "cli/result_names.hpp"

namespace darkroom {

/// A file as far as the plan needs to know it.
struct FileFacts {
  std::filesystem::file_time_type changed;
  std::uintmax_t bytes = 0;
  bool is_file = true;   ///< false: a folder, a device
  std::string identity;  ///< equal for two names of one file
};
/// Nothing where nothing is. Links are followed.
using LookAtFile = std::function<std::optional<FileFacts>(const std::filesystem::path&)>;
std::optional<FileFacts> look_at_file(const std::filesystem::path& file);

enum class Fate {
  kRestore,
  kDone,     ///< its result is there, whole and newer than it
  kRefused,  ///< `why` says what stands in its way
};

struct RestoreTask {
  Photo photo;
  std::filesystem::path target;
  Fate fate = Fate::kRestore;
  std::string why;
};

struct PlanRules {
  ResultPlace place;
  std::string format = "png";
  bool overwrite = false;  ///< results that are there are made anew, other files in their way replaced; never a photograph of the run
  std::function<bool(const Photo&)> shares_name;  ///< see result_path()
};

std::vector<RestoreTask> plan_restorations(const std::vector<Photo>& photos, const PlanRules& rules, const LookAtFile& look = look_at_file);

/// Whether another picture in the photograph's folder differs from it in its ending alone. Remembers the folders that it has read.
std::function<bool(const Photo&)> siblings_on_disk();

}  // namespace darkroom
