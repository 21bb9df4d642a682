#include "restoration/gpu_memory.hpp"

#include <gtest/gtest.h>

namespace darkroom::restoration {
namespace {

std::string with(const std::vector<json::object>& devices) {
  json::object memory{{"process", 1}};
  add_gpu_memory(memory, devices);
  return dump(memory);
}

TEST(GpuMemory, EachGpuCountsOnce) {
  const json::object first{{"index", 0}, {"vram_total", 100}, {"vram_free", 70}},
      second{{"index", 1}, {"vram_total", 50}, {"vram_free", 50}};
  EXPECT_EQ(with({first, first, second}), R"({"process":1,"gpu":30,"gpu_limit":150})");
}

TEST(GpuMemory, ProcessorsAndSilentGpusSayNothing) {
  EXPECT_EQ(with({}), R"({"process":1})");
  EXPECT_EQ(with({{{"name", "cpu"}, {"index", nullptr}}, {{"index", 0}}}), R"({"process":1})");
  EXPECT_EQ(with({{{"index", 0}, {"vram_total", 10}, {"vram_free", 99}}}), R"({"process":1,"gpu":0,"gpu_limit":10})");
}

}  // namespace
}  // namespace darkroom::restoration
