#include "cli/resumable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/json.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

std::string reason() { return std::generic_category().message(errno); }

fs::path beside(const fs::path& target, const char* ending) {
  return target.parent_path() / (std::string(kPartPrefix) + target.filename().string() + ending);
}

/// Opened and locked, and still the file of that name: whoever held the lock before may have moved it to its target.
int open_locked(const fs::path& path, const fs::path& target) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor < 0) throw InternalError(fmt::format("{} can't be written: {}", path.parent_path().string(), reason()));
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      ::close(descriptor);
      throw Conflict(fmt::format("{} is being downloaded by another process", target.string()));
    }
    struct stat mine {}, named {};
    if (::fstat(descriptor, &mine) == 0 && ::stat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev) return descriptor;
    ::close(descriptor);
  }
}

}  // namespace

ResumableFile::ResumableFile(fs::path target)
    : target_(std::move(target)), part_(beside(target_, "")), note_(beside(target_, ".json")), descriptor_(open_locked(part_, target_)) {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) == 0) size_ = static_cast<std::uint64_t>(facts.st_size);
  ::lseek(descriptor_, 0, SEEK_END);
  if (size_ > 0) read_origin();
}

ResumableFile::~ResumableFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) discard();
  else ::close(descriptor_);
}

void ResumableFile::read_origin() {
  try {
    std::ifstream file(note_);
    const json::value note = parse_json(std::string{std::istreambuf_iterator<char>(file), {}});
    const auto* object = note.if_object();
    if (!object) return;
    const double size = number_or(*object, "size", -1);
    origin_ = {string_or(*object, "address", ""), string_or(*object, "etag", ""), std::nullopt};
    if (size >= 0) origin_.size = static_cast<std::uint64_t>(size);
  } catch (const Error&) {
    origin_ = {};  // cut off while it was written: nothing is known of the bytes, and they are fetched again
  }
}

void ResumableFile::note_origin() const {
  json::object note{{"address", origin_.address}, {"etag", origin_.etag}};
  if (origin_.size) note["size"] = *origin_.size;
  PartFile file(note_.parent_path());
  file.write(dump(note));
  file.replace(note_);
}

void ResumableFile::restart(Origin origin) {
  if (::ftruncate(descriptor_, 0) != 0) throw InternalError(fmt::format("{} can't be written: {}", part_.string(), reason()));
  ::lseek(descriptor_, 0, SEEK_SET);
  size_ = hashed_ = 0;
  hash_ = Sha256();
  origin_ = std::move(origin);
  note_origin();
}

void ResumableFile::write(std::string_view bytes) {
  const bool in_order = hashed_ == size_;
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw InternalError(fmt::format("{} can't be written: {}", part_.string(), reason()));
    rest.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  if (!in_order) return;
  hash_.update(bytes);
  hashed_ = size_;
}

std::string ResumableFile::sha256() {
  if (hashed_ != size_) return sha256_hex_of_file(part_.string());
  hashed_ = 0;  // the hash is used up; another one reads the file
  return std::exchange(hash_, Sha256()).hex();
}

std::string ResumableFile::first_bytes(std::size_t count) const {
  std::string bytes(count, '\0');
  const ssize_t got = ::pread(descriptor_, bytes.data(), count, 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

void ResumableFile::place(bool replace) {
  if (::fsync(descriptor_) != 0) throw InternalError(fmt::format("{} can't be written: {}", part_.string(), reason()));
  const int fault = replace ? (::rename(part_.c_str(), target_.c_str()) == 0 ? 0 : errno) : rename_to_free(part_, target_);
  if (fault == EEXIST) throw Conflict(fmt::format("{} has been made by somebody else meanwhile", target_.string()));
  if (fault != 0) throw InternalError(fmt::format("{} can't be put in place: {}", target_.string(), std::generic_category().message(fault)));
  ::unlink(note_.c_str());
  if (const int folder = ::open(target_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  ::close(std::exchange(descriptor_, -1));
}

void ResumableFile::discard() {
  ::unlink(note_.c_str());
  ::unlink(part_.c_str());
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace darkroom
