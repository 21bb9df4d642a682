#include "gateway/log_buffer.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

TEST(LogBuffer, KeepsTheNewestLines) {
  LogBuffer log;
  std::size_t heard = 0;
  log.listen([&](const LogLine&) { ++heard; });
  for (std::size_t i = 0; i < kLogLines; ++i) log.add({"t", std::to_string(i)});
  EXPECT_EQ(log.lines().size(), kLogLines);
  EXPECT_EQ(log.lines().front().text, "0");
  log.add({"t", "last"});
  EXPECT_EQ(log.lines().size(), kLogLines);
  EXPECT_EQ(log.lines().front().text, "1");
  EXPECT_EQ(log.lines().back().text, "last");
  EXPECT_EQ(heard, kLogLines + 1);
}

}  // namespace
}  // namespace darkroom
