#include "tensor/mapped_file.hpp"

#include <ATen/ops/ones.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

/// How many of a map's pages are in memory.
std::size_t pages_there(const MappedFile& file) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> there((file.size() + page - 1) / page);
  EXPECT_EQ(::mincore(const_cast<char*>(file.bytes().data()), file.size(), there.data()), 0);
  std::size_t count = 0;
  for (const auto flags : there) count += flags & 1;
  return count;
}

/// Has the kernel forget the file as well as it can.
void forget(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  ::fsync(fd);
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

TEST(ReadAhead, BringsAllPagesOfTheTensors) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;  // more than kernels read at one request
  const Scratch scratch;
  const auto path = scratch.write("weights", std::string(kBytes, 'w'));
  forget(path);
  const auto file = MappedFile::open(path);
  const auto half = static_cast<std::int64_t>(kBytes / 2);
  read_ahead({tensor_in(file, kBytes / 2, {half}, at::kByte), at::ones({4}), at::Tensor(), tensor_in(file, 5, {half - 5}, at::kByte)});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto all = kBytes / static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  while (pages_there(*file) < all && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(pages_there(*file), all);
}

TEST(ReleasePages, LeaveWhatIsReadAgain) {
  const Scratch scratch;
  const auto file = MappedFile::open(scratch.write("weights", std::string(1 << 20, 7)));
  const auto view = tensor_in(file, 3, {(1 << 20) - 3}, at::kByte);
  release_pages(view);
  EXPECT_EQ(view.const_data_ptr<std::uint8_t>()[1 << 19], 7);
  release_pages(at::ones({4}));
  release_pages(at::Tensor());
}

}  // namespace
}  // namespace darkroom
