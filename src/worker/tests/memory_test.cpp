#include "worker/memory.hpp"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "tensor/tests/test_device.hpp"

/// MKL's `mkl_mem_stat`: bytes in its buffers, whose number `buffers` becomes.
extern "C" long long mkl_serv_mem_stat(int* buffers) __attribute__((weak));

namespace darkroom {
namespace {

TEST(MemoryFigures, TellOfAGpuWhereThereIsOne) {
  const auto told = [](int index) { return std::optional(GpuMemory{.free = 30, .total = 100 + static_cast<std::uint64_t>(index)}); };
  const json::object figures = memory_figures(2, told);
  EXPECT_GT(figures.at("rss").to_number<std::int64_t>(), 1 << 20);
  EXPECT_EQ(figures.at("vram_total").to_number<std::int64_t>(), 102);
  EXPECT_EQ(figures.at("vram_free").to_number<std::int64_t>(), 30);
}

TEST(MemoryFigures, AreTheProcessesAloneElsewhere) {
  for (const auto& figures : {memory_figures(std::nullopt), memory_figures(0, [](int) { return std::optional<GpuMemory>(); })}) {
    EXPECT_TRUE(figures.contains("rss"));
    EXPECT_EQ(figures.size(), 1u);
  }
}

TEST(MemoryFigures, NobodyIsAskedWithoutCuda) {
  if (test_gpu()) GTEST_SKIP() << "this run has a GPU";
  EXPECT_FALSE(gpu_memory(0)) << "libtorch's CUDA half is not loaded";
}

TEST(GiveMemoryBack, TakesWhatMatrixProductsKeep) {
  if (mkl_serv_mem_stat == nullptr) GTEST_SKIP() << "this libtorch has no MKL";
  int buffers = 0;
  const auto side = at::ones({2048, 2048});
  at::mm(side, side);
  EXPECT_GT(mkl_serv_mem_stat(&buffers), 1 << 20);
  give_memory_back();
  EXPECT_LT(mkl_serv_mem_stat(&buffers), 1 << 20);
}

}  // namespace
}  // namespace darkroom
