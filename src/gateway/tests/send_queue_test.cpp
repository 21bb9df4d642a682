#include "gateway/send_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace darkroom {
namespace {

using testing::ElementsAre;

Frame frame(std::string text, Frame::Kind kind = Frame::Kind::kOrdinary, std::string key = "") {
  Frame out = Frame::text(std::move(text));
  out.kind = kind;
  out.key = std::move(key);
  return out;
}

std::vector<std::string> waiting(const SendQueue& queue) {
  std::vector<std::string> out;
  queue.peek([&](const SendQueue::Entry& entry) {
    out.push_back(entry.payload->substr(0, entry.payload->find(' ')));
    return true;
  });
  return out;
}

const std::string kPadding = " " + std::string(100, '.');
const auto kProgress = Frame::Kind::kProgress;
const auto kPreview = Frame::Kind::kPreview;

TEST(SendQueue, KeepsEverythingBelowTheSoftLimit) {
  SendQueue queue({.soft_bytes = 1 << 20, .hard_bytes = 1 << 24});
  EXPECT_TRUE(queue.push(frame("a", kProgress, "n")));
  EXPECT_TRUE(queue.push(frame("b", kProgress, "n")));
  EXPECT_THAT(waiting(queue), ElementsAre("a", "b"));
  queue.pop();
  EXPECT_THAT(waiting(queue), ElementsAre("b"));
  queue.pop();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(SendQueue, OverTheSoftLimitOnlyTheNewestOfANodeStays) {
  SendQueue queue({.soft_bytes = 900, .hard_bytes = 1 << 20});
  queue.push(frame("p1" + kPadding, kProgress, "node1"));
  queue.push(frame("v1" + kPadding, kPreview, "node1"));
  queue.push(frame("x" + kPadding));
  queue.push(frame("p2" + kPadding, kProgress, "node1"));
  queue.push(frame("q1" + kPadding, kProgress, "node2"));
  queue.push(frame("v2" + kPadding, kPreview, "node1"));
  queue.push(frame("p3" + kPadding, kProgress, "node1"));
  EXPECT_THAT(waiting(queue), ElementsAre("x", "q1", "v2", "p3")) << "what came before the limit is thinned too, order is kept";
  queue.push(frame("y" + kPadding));
  queue.push(frame("p4" + kPadding, kProgress, "node1"));
  EXPECT_THAT(waiting(queue), ElementsAre("x", "q1", "v2", "y", "p4"));
}

TEST(SendQueue, WhatIsPartlySentIsNeverReplaced) {
  SendQueue queue({.soft_bytes = 300, .hard_bytes = 1 << 20});
  queue.push(frame("p1" + kPadding, kProgress, "n"));
  queue.pin_front();
  queue.push(frame("p2" + kPadding, kProgress, "n"));
  queue.push(frame("p3" + kPadding, kProgress, "n"));
  EXPECT_THAT(waiting(queue), ElementsAre("p1", "p3"));
}

TEST(SendQueue, BoundedHoweverManyPreviewsCome) {
  SendQueue queue({.soft_bytes = 10'000, .hard_bytes = 100'000});
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(queue.push(frame(std::string(4000, 'v'), kPreview, "node"))) << i;
  EXPECT_LT(queue.bytes(), 15'000u);
}

TEST(SendQueue, RefusesOverTheHardLimit) {
  SendQueue queue({.soft_bytes = 1000, .hard_bytes = 2000});
  int taken = 0;
  while (queue.push(frame("x" + kPadding)) && taken < 100) ++taken;
  EXPECT_GT(taken, 3);
  EXPECT_LT(taken, 20);
  queue.pin_front();
  queue.clear_unsent();
  EXPECT_EQ(waiting(queue).size(), 1u);
  EXPECT_TRUE(queue.push_control(Opcode::kClose, "12"));
}

}  // namespace
}  // namespace darkroom
