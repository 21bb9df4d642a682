#include "base/resident_memory.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace darkroom {
namespace {

TEST(ResidentMemory, GrowsWithWhatIsTouched) {
  const ResidentMemory memory(::getpid());
  const auto before = memory.bytes();
  EXPECT_GT(before, 1u << 20);
  std::vector<char> block(64u << 20);
  for (std::size_t i = 0; i < block.size(); i += 4096) block[i] = 1;
  EXPECT_GT(memory.bytes(), before + (32u << 20));
}

TEST(ResidentMemory, IsNoneOfAProcessThatIsGone) {
  EXPECT_EQ(ResidentMemory(0x3fffffff).bytes(), 0u);
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const ResidentMemory memory(child);
  EXPECT_GT(memory.bytes(), 0u);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(memory.bytes(), 0u);
}

}  // namespace
}  // namespace darkroom
