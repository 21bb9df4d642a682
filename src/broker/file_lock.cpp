#include "broker/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.hpp"

namespace darkroom {

FileLock::FileLock(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (file_ < 0) throw Unavailable(fmt::format("database: can't make {}", path));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    ::close(file_);
    throw Conflict(fmt::format("the database is in use by another darkroom ({} is locked)", path));
  }
}

FileLock::~FileLock() { ::close(file_); }

}  // namespace darkroom
