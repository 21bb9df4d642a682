#include "tensor/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <new>
#include <vector>

#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::size_t data_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t field = 0;
  for (int i = 0; i < 6; ++i) statm >> field;
  return field * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class DataLimit {
 public:
  explicit DataLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_DATA, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_DATA, &now);
  }
  ~DataLimit() { ::setrlimit(RLIMIT_DATA, &before_); }
  static rlim_t now() {
    rlimit limit{};
    ::getrlimit(RLIMIT_DATA, &limit);
    return limit.rlim_cur;
  }

 private:
  rlimit before_{};
};

TEST(MappedFile, DoesNotCountAsData) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "its shadow memory counts";
#endif
  const Scratch scratch;
  const auto path = scratch.write("weights", "");
  std::filesystem::resize_file(path, 256 * kMiB);
  const rlim_t limit = data_bytes() + 64 * kMiB;
  const DataLimit limited(limit);
  {
    const auto file = MappedFile::open(path);
    EXPECT_EQ(file->size(), 256 * kMiB);
    EXPECT_THROW(std::vector<char>(256 * kMiB), std::bad_alloc);
    EXPECT_NO_THROW(std::vector<char>(16 * kMiB));
  }
  EXPECT_EQ(DataLimit::now(), limit);
}

}  // namespace
}  // namespace darkroom
