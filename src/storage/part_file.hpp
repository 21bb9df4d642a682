#pragma once
// A file that nobody sees until it is whole: written under a name of its own beside the target, then moved there. Its lock says that
// somebody still writes it, so that what a killed process left behind can be told from it and removed.

#include <filesystem>
#include <string>
#include <string_view>

namespace darkroom {

/// One file being written. Removed again by the destructor unless it was put in place.
class PartFile {
 public:
  /// Makes an empty hidden file in `folder`, which must exist. Throws NotFound or InternalError.
  explicit PartFile(const std::filesystem::path& folder);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  void write(std::string_view bytes);  ///< throws InternalError when the disk is full
  const std::filesystem::path& path() const { return path_; }

  /// Moves it to `target` (copies, where that is another file system), over what is there (a link is replaced, not followed).
  /// `durable`: on disk before the name changes. Throws InvalidInput for a name that the file system refuses.
  void replace(const std::filesystem::path& target, bool durable = false);
  /// The same, but only where nothing is: false when the name is taken.
  bool place(const std::filesystem::path& target, bool durable = false);

 private:
  void complete(bool durable);
  void move_beside(const std::filesystem::path& target);
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Begins the names of files that are being written; lists leave them out.
constexpr std::string_view kPartPrefix = ".darkroom-part-";

/// Renames in one step, and only to a name that is free. Returns 0, EEXIST when the name is taken, or why else it failed.
int rename_to_free(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes the part files below `folder` whose writers are gone; how many there were. Links are not followed.
std::size_t remove_stale_parts(const std::filesystem::path& folder);

}  // namespace darkroom
