#pragma once
// The node classes that the workers have, and their /object_info, kept ready: serialised and compressed once per change.

#include <functional>
#include <memory>
#include <string>

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

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class SchemaStore {
 public:
  explicit SchemaStore(const Folders& folders) : lists_(folders) {}

  /// The current classes; null before the first worker told them and none were kept from an earlier start.
  std::shared_ptr<const SchemaSet> current() const { return schemas_; }
  void replace(std::shared_ptr<const SchemaSet> schemas);
  /// Called (on the io thread) when `current()` changed: whoever waits for the first schemas.
  void on_change(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }

  ChoiceLists& lists() { return lists_; }

  struct Info {
    std::shared_ptr<const std::string> text, gzip;
    std::string etag;
  };
  /// All classes as /object_info sends them. Blocking work (lists are checked): call it on the pool.
  Info info();
  /// `{class: info}`, `{}` for an unknown class.
  json::object info_of(const std::string& node_class);

 private:
  FolderLists lists_;
  std::shared_ptr<const SchemaSet> schemas_;
  std::vector<std::function<void()>> listeners_;
  Info cached_;
};

}  // namespace darkroom
