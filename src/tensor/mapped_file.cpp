#include "tensor/mapped_file.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/error.hpp"

namespace darkroom {

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  // Non-blocking: a FIFO in a model folder must not hang the worker before fstat tells what it is.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw NotFound(name + ": " + std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    throw InvalidInput(name + ": not a plain file");
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* base = nullptr;
  if (size > 0) base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  const int fault = errno;
  ::close(fd);
  if (base == MAP_FAILED) throw OutOfMemory(name + ": could not be mapped: " + std::strerror(fault));
  return std::shared_ptr<const MappedFile>(new MappedFile(path, base, size));
}

MappedFile::~MappedFile() {
  if (base_) ::munmap(base_, size_);
}

namespace {

/// What a tensor in a map holds and frees. Its address tells such tensors from others.
void drop_map(void* file) { delete static_cast<std::shared_ptr<const MappedFile>*>(file); }

/// Addresses of a view's bytes; nothing for a tensor that is no view of a map, or one with gaps.
struct Range {
  std::uintptr_t begin, end;
};
std::optional<Range> mapped_range(const at::Tensor& view) {
  if (!view.defined() || !view.device().is_cpu() || view.numel() == 0 || !view.has_storage()) return std::nullopt;
  if (view.storage().data_ptr().get_deleter() != &drop_map || !view.is_non_overlapping_and_dense()) return std::nullopt;
  const auto begin = reinterpret_cast<std::uintptr_t>(view.const_data_ptr());
  return Range{begin, begin + view.nbytes()};
}

std::uintptr_t page_size() { return static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)); }

/// Whole pages that hold the views, in their order; neighbours are one range.
std::vector<Range> pages_of(const std::vector<at::Tensor>& views) {
  const auto page = page_size();
  std::vector<Range> ranges;
  for (const auto& view : views) {
    const auto bytes = mapped_range(view);
    if (!bytes) continue;
    const Range pages{bytes->begin / page * page, (bytes->end + page - 1) / page * page};
    const bool joins = !ranges.empty() && ranges.back().begin <= pages.begin && pages.begin <= ranges.back().end;
    if (joins) ranges.back().end = std::max(ranges.back().end, pages.end);
    else ranges.push_back(pages);
  }
  return ranges;
}

}  // namespace

at::Tensor tensor_in(const std::shared_ptr<const MappedFile>& file, std::size_t offset, at::IntArrayRef sizes, at::ScalarType dtype) {
  const auto options = at::TensorOptions().dtype(dtype);
  std::int64_t numel = 1;
  for (const auto size : sizes) numel *= size;
  if (numel == 0) return at::empty(sizes, options);
  char* data = const_cast<char*>(file->bytes().data()) + offset;
  if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(dtype) != 0) {
    at::Tensor copy = at::empty(sizes, options);
    std::memcpy(copy.data_ptr(), data, static_cast<std::size_t>(numel) * c10::elementSize(dtype));
    return copy;
  }
  return at::for_blob(data, sizes).context(new std::shared_ptr<const MappedFile>(file), drop_map).options(options).make_tensor();
}

void release_pages(const at::Tensor& view) {
  const auto bytes = mapped_range(view);
  if (!bytes) return;
  const auto page = page_size(), first = (bytes->begin + page - 1) / page * page, last = bytes->end / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

void read_ahead(std::vector<at::Tensor> views) {
  // Of one request the kernel reads as much as the disk takes at a time or its own read-ahead has (128 KiB by default), and forgets the
  // rest. A call waits while the disk is busy with what was asked before.
  static constexpr std::uintptr_t kPiece = std::uintptr_t{128} << 10;
  std::thread([views = std::move(views)] {
    for (const auto& [begin, end] : pages_of(views))
      for (auto piece = begin; piece < end; piece += kPiece)
        ::madvise(reinterpret_cast<void*>(piece), std::min(kPiece, end - piece), MADV_WILLNEED);
  }).detach();
}

std::optional<std::int64_t> checked_numel(const std::vector<std::int64_t>& sizes) {
  std::int64_t numel = 1;
  bool empty = false;
  for (const auto size : sizes) {
    if (size < 0) return std::nullopt;
    if (size == 0) { empty = true; continue; }
    if (__builtin_mul_overflow(numel, size, &numel)) return std::nullopt;
  }
  return empty ? 0 : numel;
}

}  // namespace darkroom
