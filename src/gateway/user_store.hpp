#pragma once
// Who may ask, where a user's files lie, and the settings kept there (protocol.md §3.11). Blocking: to be called on the pool.

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "gateway/identity.hpp"

namespace darkroom {

class UserStore {
 public:
  UserStore(std::filesystem::path root, bool multi_user) : root_(std::move(root)), multi_user_(multi_user) {}

  bool multi_user() const { return multi_user_; }

  /// `{id: name}` of users.json; `{}` when there is none.
  json::object users() const;
  /// Adds a user and gives the new id. Throws Conflict for a name that is taken, Forbidden for one that begins with `__`.
  std::string add_user(const std::string& name);
  /// The folder of a user who exists; it may not have been made yet. Nothing for an unknown or reserved id.
  std::optional<std::filesystem::path> folder_of(const Identity& who) const;

  /// The settings of a folder that folder_of() gave; `{}` when the file is missing or damaged.
  json::object settings(const std::filesystem::path& folder) const;
  void merge_settings(const std::filesystem::path& folder, const json::object& changes);

 private:
  const std::filesystem::path root_;
  const bool multi_user_;
  mutable std::mutex mutex_;  ///< of both kinds of files: reading, changing and writing is one step
};

/// JSON with four blanks a level, ASCII-escaped, as ComfyUI writes it: people edit this file.
std::string dump_indented(const json::value& value);

}  // namespace darkroom
