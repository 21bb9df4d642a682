#include "tensor/token_chunks.hpp"

#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace darkroom {
namespace {

TEST(TokenChunks, CoverEverythingOnce) {
  for (const bool inference : {true, false}) {
    const c10::InferenceMode guard(inference);
    for (const std::int64_t tokens : {0, 1, 7, 8, 9, 1000}) {
      const auto seen = at::zeros({tokens});
      std::atomic<int> others = 0;
      for_token_chunks(tokens, 8, [&](std::int64_t first, std::int64_t count) {
        if (count < 1 || count > 8 || first % 8 || c10::InferenceMode::is_enabled() != inference) ++others;
        seen.narrow(0, first, count).add_(1);
      });
      EXPECT_EQ(others, 0);
      EXPECT_TRUE(seen.eq(1).all().item<bool>()) << tokens;
    }
  }
}

TEST(TokenChunks, HandOnWhatIsThrown) {
  EXPECT_THROW(for_token_chunks(100, 1,
                                [](std::int64_t first, std::int64_t) {
                                  if (first == 50) throw std::runtime_error("stop");
                                }),
               std::runtime_error);
}

}  // namespace
}  // namespace darkroom
