#pragma once
// Keeps two gateways from owning one queue.

#include <string>

namespace darkroom {

/// Held as long as the object, or its process, lives.
class FileLock {
 public:
  /// Throws Unavailable when the file can't be made, Conflict when another process holds it.
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

}  // namespace darkroom
