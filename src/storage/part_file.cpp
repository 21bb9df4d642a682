#include "storage/part_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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

PartFile::PartFile(const fs::path& folder) {
  for (;;) {
    path_ = folder / (std::string(kPartPrefix) + random_hex(16));
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      if (errno == ENOENT || errno == ENOTDIR) throw NotFound("the folder does not exist");
      throw InternalError("cannot write a file: " + reason());
    }
    // Whoever removes stale files may have taken it for one before it was locked: then it is made again.
    struct stat facts {};
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 ? ::fstat(descriptor_, &facts) == 0 && facts.st_nlink > 0 : errno != EWOULDBLOCK) return;
    ::close(std::exchange(descriptor_, -1));
  }
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

/// Everything is written, and the file system has said so. The descriptor stays, for its lock.
void PartFile::complete(bool durable) {
  if (durable && ::fsync(descriptor_) != 0) throw InternalError("cannot write a file: " + reason());
  // Some file systems report a full disk when a descriptor is closed.
  const int copy = ::dup(descriptor_);
  if (copy >= 0 && ::close(copy) != 0 && errno != EINTR) throw InternalError("cannot write a file: " + reason());
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
  complete(durable);
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    if (errno != EXDEV) refuse_target();
    move_beside(target);
    complete(durable);
    if (::rename(path_.c_str(), target.c_str()) != 0) refuse_target();
  }
  path_.clear();
  if (durable) sync_folder(target.parent_path());
}

bool PartFile::place(const fs::path& target, bool durable) {
  complete(durable);
  errno = rename_to_free(path_, target);
  if (errno == EEXIST) return false;
  if (errno == EXDEV) {
    move_beside(target);
    return place(target, durable);
  }
  if (errno != 0) refuse_target();
  path_.clear();
  if (durable) sync_folder(target.parent_path());
  return true;
}

int rename_to_free(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // File systems without that flag: a hard link fails in the same way where the name is taken.
  if (::link(from.c_str(), to.c_str()) != 0) return errno;
  ::unlink(from.c_str());
  return 0;
}

std::size_t remove_stale_parts(const fs::path& folder) {
  std::size_t removed = 0;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, failure), end;
       !failure && entry != end; entry.increment(failure)) {
    if (!entry->path().filename().native().starts_with(kPartPrefix)) continue;
    const int descriptor = ::open(entry->path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ::unlink(entry->path().c_str()) == 0) ++removed;
    ::close(descriptor);
  }
  return removed;
}

}  // namespace darkroom
