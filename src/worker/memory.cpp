#include "worker/memory.hpp"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <limits>
#include <string>

#include "base/resident_memory.hpp"

/// MKL's `mkl_free_buffers`, by the name that its header gives it; null where libtorch is built without MKL.
extern "C" void mkl_serv_free_buffers() __attribute__((weak));

namespace darkroom {
namespace {

/// libtorch's own allocator, with somebody who is asked first. Lives as long as the process: tensors hold its deleter.
class WatchedAllocator final : public c10::Allocator {
 public:
  static constexpr std::size_t kLarge = std::size_t{8} << 20;

  at::DataPtr allocate(std::size_t bytes) override {
    if (bytes >= kLarge)
      if (const auto* before = before_.load()) (*before)(bytes);
    return inner_->allocate(bytes);
  }
  bool is_simple_data_ptr(const at::DataPtr& data) const override { return inner_->is_simple_data_ptr(data); }
  at::DeleterFnPtr raw_deleter() const override { return inner_->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t count) const override { inner_->copy_data(to, from, count); }

  std::atomic<const std::function<void(std::size_t)>*> before_ = nullptr;

 private:
  c10::Allocator* const inner_ = c10::GetDefaultCPUAllocator();
};

}  // namespace

std::size_t resident_bytes() {
  static const ResidentMemory memory(::getpid());
  return memory.bytes();
}

std::size_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key, unit;
  std::size_t kib = 0;
  while (file >> key >> kib >> unit)
    if (key == "MemAvailable:") return kib * 1024;
  return std::numeric_limits<std::size_t>::max();
}

json::object memory_figures(std::optional<int> gpu, const std::function<std::optional<GpuMemory>(int index)>& ask) {
  json::object figures{{"rss", resident_bytes()}};
  const auto memory = gpu ? ask(*gpu) : std::nullopt;
  if (!memory) return figures;
  figures.emplace("vram_total", memory->total);
  figures.emplace("vram_free", memory->free);
  return figures;
}

void tune_allocator() {
  constexpr int kNever = std::numeric_limits<int>::max();
  // Other threads have arenas of small heaps, out of which every large block is mapped and unmapped again; so there is one arena.
  // (Ten times 200 MB on a second thread: 512,000 page faults with its own arena, 51,200 without.)
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, kNever);
  ::mallopt(M_TRIM_THRESHOLD, kNever);
}

void watch_allocations(const std::function<void(std::size_t)>* before) {
  static WatchedAllocator* const watched = [] {
    auto* made = new WatchedAllocator;
    c10::SetCPUAllocator(made);
    return made;
  }();
  watched->before_ = before;
}

void trim_memory() { ::malloc_trim(0); }

void give_memory_back() {
  if (mkl_serv_free_buffers != nullptr) mkl_serv_free_buffers();  // what its matrix products keep: 60 MB with AVX-512 on two threads
  trim_memory();
}

}  // namespace darkroom
