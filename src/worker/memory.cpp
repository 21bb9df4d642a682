#include "worker/memory.hpp"

#include <ATen/Parallel.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "base/log.hpp"

namespace darkroom {
namespace {

/// The share of the limit that may be allocated: the rest is for the pages of mapped files and for what happens meanwhile.
constexpr double kAllocated = 0.95;
/// Stacks of threads that come and go: of image decoders and async calls.
constexpr std::size_t kOtherThreads = std::size_t{32} << 20;

/// Private memory as RLIMIT_DATA counts it: the figure of /proc/self/statm, in pages.
std::size_t data_bytes() {
  std::size_t size, resident, shared, text, lib, data = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%zu %zu %zu %zu %zu %zu", &size, &resident, &shared, &text, &lib, &data) != 6) data = 0;
    std::fclose(file);
  }
  return data * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::size_t resident_bytes() {
  // pages: size resident shared ...
  std::size_t size = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%zu %zu", &size, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  std::size_t kib = 0;
  while (file >> key >> kib >> unit)
    if (key == "MemAvailable:") return kib * 1024;
  return std::numeric_limits<std::size_t>::max();
}

void tune_allocator() {
  constexpr int kNever = std::numeric_limits<int>::max();
  // Other threads have arenas of small heaps, out of which every large block is mapped and unmapped again; so there is one arena.
  // (Ten times 200 MB on a second thread: 512,000 page faults with its own arena, 51,200 without.)
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, kNever);
  ::mallopt(M_TRIM_THRESHOLD, kNever);
}

void limit_memory(std::size_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (bytes > 0) {
    // Stacks of threads and what libraries reserve count as data though hardly anybody touches it: all that is there now is let
    // be, and the computing threads are started first.
    at::parallel_for(0, at::get_num_threads(), 1, [](std::int64_t, std::int64_t) {});
    const auto wanted = static_cast<std::size_t>(kAllocated * static_cast<double>(bytes));
    const std::size_t used = resident_bytes();
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, data_bytes() + kOtherThreads + (wanted > used ? wanted - used : 0));
  }
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) log::warn("the memory of the worker can't be limited: {}", std::strerror(errno));
}

void trim_memory() { ::malloc_trim(0); }

}  // namespace darkroom
