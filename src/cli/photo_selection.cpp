#include "cli/photo_selection.hpp"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "cli/result_names.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 11> kEndings = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp",
                                                       ".tif", ".tiff", ".gif", ".bmp",  ".avif"};

/// The paths that match, by name. `fault`: why there are none.
std::vector<fs::path> matches_of(const std::string& pattern, std::string& fault) {
  glob_t found{};
  const int outcome = ::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found);
  std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + (outcome == 0 ? found.gl_pathc : 0));
  ::globfree(&found);
  if (outcome != 0)
    fault = pattern.find_first_of("*?[") == std::string::npos ? "there is no such file or folder" : "nothing matches this pattern";
  return paths;
}

class Walk {
 public:
  Walk(bool recursive, const fs::path& leave_out) : recursive_(recursive) {
    if (!leave_out.empty()) mark(leave_out);
  }

  void take(const std::string& argument) {
    std::error_code fault;
    if (fs::exists(fs::symlink_status(argument, fault))) return take_path(argument);
    std::string why;
    for (const fs::path& path : matches_of(argument, why)) take_path(path);
    if (!why.empty()) problem(argument, why);
  }

  Selection selection() && {
    const auto earlier_result = [this](const Photo& photo) {
      return std::ranges::any_of(photos_of_[photo.file.parent_path()],
                                 [&](const fs::path& other) { return is_result_of(photo.file, other); });
    };
    std::erase_if(out_.photos, earlier_result);
    return std::move(out_);
  }

 private:
  using Identity = std::pair<dev_t, ino_t>;

  void problem(const fs::path& path, std::string why) { out_.problems.push_back({path, std::move(why)}); }

  void take_path(const fs::path& path) {
    std::error_code fault;
    const fs::file_status status = fs::status(path, fault);
    if (fs::is_directory(status)) return walk(path, {});
    if (fs::is_regular_file(status)) return add(path, path.filename());
    if (fault && status.type() != fs::file_type::not_found) return problem(path, fault.message());
    problem(path, fs::exists(status) ? "this is neither a file nor a folder" : "this link leads nowhere");
  }

  void add(const fs::path& file, fs::path relative) {
    std::error_code ignored;
    if (!taken_.insert(fs::absolute(file, ignored).lexically_normal()).second) return;
    photos_of_[file.parent_path()].push_back(file);
    out_.photos.push_back({file, std::move(relative)});
  }

  /// False for a folder that has been seen already: a loop of links ends there.
  bool mark(const fs::path& folder) {
    struct stat facts {};
    return ::stat(folder.c_str(), &facts) != 0 || seen_.emplace(facts.st_dev, facts.st_ino).second;
  }

  void walk(const fs::path& folder, const fs::path& relative) {
    if (!mark(folder)) return;
    std::error_code fault;
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(folder, fault), end; !fault && entry != end; entry.increment(fault)) entries.push_back(entry->path());
    if (fault) return problem(folder, fault.message());
    std::ranges::sort(entries);
    std::vector<fs::path> folders;
    for (const fs::path& entry : entries) {
      const fs::path name = entry.filename();
      if (name.native().starts_with('.')) continue;
      const fs::file_status status = fs::status(entry, fault);
      if (fs::is_directory(status)) folders.push_back(entry);
      else if (has_picture_ending(entry) && fs::is_regular_file(status)) add(entry, relative / name);
    }
    for (const fs::path& below : folders)
      if (recursive_) walk(below, relative / below.filename());
  }

  const bool recursive_;
  Selection out_;
  std::set<fs::path> taken_;                             ///< absolute
  std::set<Identity> seen_;                              ///< folders
  std::map<fs::path, std::vector<fs::path>> photos_of_;  ///< by folder
};

}  // namespace

bool has_picture_ending(const fs::path& file) { return std::ranges::find(kEndings, lower(file.extension().string())) != kEndings.end(); }

Selection select_photos(const std::vector<std::string>& arguments, bool recursive, const fs::path& leave_out) {
  Walk walk(recursive, leave_out);
  for (const std::string& argument : arguments) walk.take(argument);
  return std::move(walk).selection();
}

}  // namespace darkroom
