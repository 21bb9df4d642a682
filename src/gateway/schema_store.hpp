#pragma once
// The node classes that the workers have, and their /object_info, kept ready: serialised and compressed once per change.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/folders.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// Choices read from the folders; a folder is read again only when its mtime changed. Thread-safe.
class FolderLists final : public ChoiceLists {
 public:
  explicit FolderLists(const Folders& folders);
  ~FolderLists() override;
  std::vector<std::string> list(const ListSource& source) override;
  bool file_exists(std::string_view annotated_name) override;
  /// Model names that stand for shipped weights (Folders::find_model) are accepted without being listed.
  bool accepts_unlisted(const ListSource& source, std::string_view value) override;
  /// Reads again what changed on disk; counts up when that changed any list that was ever asked for.
  std::uint64_t generation();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Those of a user with files of its own: models are everybody's. Thread-safe.
class UserLists final : public ChoiceLists {
 public:
  UserLists(FolderLists& shared, Folders folders) : shared_(shared), folders_(std::move(folders)) {}
  std::vector<std::string> list(const ListSource& source) override;
  bool file_exists(std::string_view annotated_name) override;
  bool accepts_unlisted(const ListSource& source, std::string_view value) override { return shared_.accepts_unlisted(source, value); }
  /// Changes when any list does.
  std::string state();

 private:
  FolderLists& shared_;
  const Folders folders_;
};

/// Is this a class of a pack, which may take other inputs the next time that it is asked?
inline bool is_of_pack(const NodeSchema& schema) { return schema.python_module().starts_with("custom_nodes."); }

class SchemaStore {
 public:
  explicit SchemaStore(const Folders& folders);

  /// The current classes; null before the first worker told them and none were kept from an earlier start.
  std::shared_ptr<const SchemaSet> current() const;
  /// The same, waiting for the first ones. Throws Unavailable after `limit`.
  boost::asio::awaitable<std::shared_ptr<const SchemaSet>> wait(std::chrono::milliseconds limit = std::chrono::seconds(30)) const;
  void replace(std::shared_ptr<const SchemaSet> schemas);
  /// Is any of them of a pack? On the io thread, as replace().
  bool has_packs() const { return has_packs_; }
  /// Called (on the io thread) when `current()` changed: whoever waits for the first schemas.
  void on_change(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }

  ChoiceLists& lists() { return lists_; }
  /// The lists as this user sees them.
  std::shared_ptr<ChoiceLists> lists_of(std::string_view user);

  struct Info {
    std::shared_ptr<const std::string> text, gzip;
    std::string etag;
  };
  /// All classes as /object_info sends them. Blocking work (lists are checked): call it on the pool.
  Info info(std::string_view user);
  /// `{class: info}`, `{}` for an unknown class.
  json::object info_of(std::string_view user, const std::string& node_class);

 private:
  struct Cached {
    Info info;
    std::shared_ptr<const SchemaSet> schemas;
    std::string state;  ///< of the lists
    std::uint64_t used = 0;
  };
  Cached& cached_of(const std::string& room);

  const Folders& folders_;
  FolderLists lists_;
  mutable std::mutex mutex_;  ///< of the current set: routes read it on the pool
  std::shared_ptr<const SchemaSet> schemas_;
  std::vector<std::function<void()>> listeners_;
  bool has_packs_ = false;

  std::mutex info_mutex_;  ///< one thread at a time makes the text; the others get what it made
  std::map<std::string, Cached> cached_;  ///< by room
  std::uint64_t uses_ = 0;
};

}  // namespace darkroom
