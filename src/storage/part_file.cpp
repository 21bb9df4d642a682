#include "storage/part_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

std::string reason() { return std::generic_category().message(errno); }

[[noreturn]] void refuse_target() {
  if (errno == ENAMETOOLONG || errno == EINVAL || errno == EISDIR || errno == ENOTDIR || errno == ENOTEMPTY)
    throw InvalidInput("the file system refuses this name: " + reason());
  throw InternalError("cannot put a file in place: " + reason());
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

PartFile::PartFile(const fs::path& folder) : path_(folder / (std::string(kPartPrefix) + random_hex(16))) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ >= 0) return;
  if (errno == ENOENT || errno == ENOTDIR) throw NotFound("the folder does not exist");
  throw InternalError("cannot write a file: " + reason());
}

PartFile::~PartFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

void PartFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw InternalError("cannot write a file: " + reason());
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void PartFile::close(bool durable) {
  if (descriptor_ < 0) return;
  if (durable && ::fsync(descriptor_) != 0) throw InternalError("cannot write a file: " + reason());
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 && errno != EINTR) throw InternalError("cannot write a file: " + reason());
}

// The target lies on another file system: the content goes over into a part file of that one.
void PartFile::move_beside(const fs::path& target) {
  PartFile copy(target.parent_path());
  std::ifstream from(path_, std::ios::binary);
  std::vector<char> buffer(1u << 20);
  while (from.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), from.gcount() > 0)
    copy.write({buffer.data(), static_cast<std::size_t>(from.gcount())});
  std::swap(path_, copy.path_);
  std::swap(descriptor_, copy.descriptor_);
}

void PartFile::replace(const fs::path& target, bool durable) {
  close(durable);
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    if (errno != EXDEV) refuse_target();
    move_beside(target);
    close(durable);
    if (::rename(path_.c_str(), target.c_str()) != 0) refuse_target();
  }
  path_.clear();
  if (durable) sync_folder(target.parent_path());
}

bool PartFile::place(const fs::path& target, bool durable) {
  close(durable);
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return false;
    if (errno == EXDEV) {
      move_beside(target);
      return place(target, durable);
    }
    if (errno != EINVAL && errno != ENOSYS) refuse_target();
    // File systems without that flag: a hard link fails in the same way where the name is taken.
    if (::link(path_.c_str(), target.c_str()) != 0) {
      if (errno == EEXIST) return false;
      refuse_target();
    }
    ::unlink(path_.c_str());
  }
  path_.clear();
  if (durable) sync_folder(target.parent_path());
  return true;
}

}  // namespace darkroom
