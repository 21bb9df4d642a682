#include "base/resident_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace darkroom {

ResidentMemory::ResidentMemory(int pid) : file_(::open(("/proc/" + std::to_string(pid) + "/statm").c_str(), O_RDONLY | O_CLOEXEC)) {}

ResidentMemory::~ResidentMemory() {
  if (file_ >= 0) ::close(file_);
}

std::uint64_t ResidentMemory::bytes() const {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  char text[128];  // pages: size resident shared ...
  const ssize_t got = ::pread(file_, text, sizeof text - 1, 0);
  if (got <= 0) return 0;
  text[got] = '\0';
  const char* blank = std::strchr(text, ' ');
  return blank ? std::strtoull(blank, nullptr, 10) * page : 0;
}

}  // namespace darkroom
