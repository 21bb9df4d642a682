#include "cli/restore_plan.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <set>
#include <system_error>

namespace darkroom {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::optional<FileFacts> look_at_file(const fs::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return std::nullopt;
  std::error_code fault;
  const auto changed = fs::last_write_time(file, fault);
  return FileFacts{.changed = changed,
                   .bytes = static_cast<std::uintmax_t>(facts.st_size),
                   .is_file = S_ISREG(facts.st_mode),
                   .identity = fmt::format("{}:{}", facts.st_dev, facts.st_ino)};
}

std::vector<RestoreTask> plan_restorations(const std::vector<Photo>& photos, const PlanRules& rules, const LookAtFile& look) {
  std::set<std::string> originals;
  for (const Photo& photo : photos)
    if (const auto facts = look(photo.file)) originals.insert(facts->identity);

  std::vector<RestoreTask> tasks;
  std::map<fs::path, fs::path> taken;  // target → whose
  for (const Photo& photo : photos) {
    RestoreTask task{photo, result_path(photo, rules.place, rules.format, rules.shares_name(photo)), Fate::kRestore, ""};
    const auto refuse = [&](std::string why) {
      task.fate = Fate::kRefused;
      task.why = std::move(why);
    };
    const auto [owner, is_free] = taken.emplace(task.target.lexically_normal(), photo.file);
    const auto there = look(task.target);
    const auto original = look(photo.file);
    if (!is_free)
      refuse(fmt::format("its result would be {}, as that of {}: restore it into another folder", task.target.string(),
                         owner->second.string()));
    else if (there && originals.contains(there->identity))
      refuse(fmt::format("its result would be {}, which is a photo itself", task.target.string()));
    else if (there && !there->is_file) refuse(fmt::format("{} is there and is no file", task.target.string()));
    else if (there && !rules.overwrite) {
      if (original && there->bytes > 0 && there->changed >= original->changed) task.fate = Fate::kDone;
      else
        refuse(fmt::format("{} is there and {}: --overwrite replaces it", task.target.string(),
                           there->bytes == 0 ? "empty" : "older than the photo"));
    }
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::function<bool(const Photo&)> siblings_on_disk() {
  using Stems = std::multiset<std::string>;
  return [read = std::make_shared<std::map<fs::path, Stems>>()](const Photo& photo) {
    const fs::path folder = photo.file.parent_path();
    const auto [found, is_new] = read->try_emplace(folder);
    if (is_new) {
      std::error_code fault;
      for (fs::directory_iterator entry(folder.empty() ? "." : folder, fault), end; !fault && entry != end; entry.increment(fault))
        if (has_picture_ending(entry->path())) found->second.insert(entry->path().stem().string());
    }
    return found->second.count(photo.file.stem().string()) > (has_picture_ending(photo.file) ? 1u : 0u);
  };
}

}  // namespace darkroom
