#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "worker/job_context.hpp"

namespace darkroom {
namespace {

std::shared_ptr<void> number(int value) { return std::make_shared<int>(value); }

TEST(SharedObjects, AreMadeOnceByWhoeverComesFirst) {
  SharedObjects shared;
  std::atomic<int> made{0};
  std::promise<void> go;
  const auto gone = go.get_future().share();
  std::vector<std::future<std::shared_ptr<void>>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(std::async(std::launch::async, [&] {
      return shared.get("model", [&] {
        gone.wait();
        return number(++made);
      });
    }));
  go.set_value();
  const auto first = all[0].get();
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].get(), first);
  EXPECT_EQ(made, 1);
}

TEST(SharedObjects, DoNotWaitForOthers) {
  SharedObjects shared;
  std::promise<void> inside, go;
  auto slow = std::async(std::launch::async, [&] {
    return shared.get("slow", [&] {
      inside.set_value();
      go.get_future().wait();
      return number(1);
    });
  });
  inside.get_future().wait();
  EXPECT_NE(shared.get("quick", [] { return number(2); }), nullptr);
  shared.clear();  // what is being made is its maker's
  EXPECT_NE(shared.get("slow", [] { return number(3); }), nullptr);
  go.set_value();
  EXPECT_EQ(*std::static_pointer_cast<int>(slow.get()), 1);
}

TEST(SharedObjects, MayNeedEachOther) {
  SharedObjects shared;
  EXPECT_NE(shared.get("outer", [&] { return shared.get("inner", [] { return number(1); }); }), nullptr);
}

TEST(SharedObjects, AreTriedAgainAfterAFailure) {
  SharedObjects shared;
  EXPECT_THROW(shared.get("model", []() -> std::shared_ptr<void> { throw std::runtime_error("broken"); }), std::runtime_error);
  EXPECT_NE(shared.get("model", [] { return number(1); }), nullptr);
}

}  // namespace
}  // namespace darkroom
