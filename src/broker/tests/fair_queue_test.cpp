#include "broker/fair_queue.hpp"

#include <gtest/gtest.h>

#include <random>

namespace darkroom {
namespace {

using Tickets = std::vector<std::int64_t>;

QueueEntry automatic(std::int64_t ticket, std::string client = "c", std::string owner = "u") {
  return {ticket, static_cast<double>(ticket), false, std::move(owner), std::move(client)};
}

Tickets drained(FairQueue& queue) {
  Tickets tickets;
  while (const auto ticket = queue.take()) tickets.push_back(*ticket);
  return tickets;
}

TEST(FairQueue, OneClientIsPlainOrderByNumber) {
  FairQueue queue;
  for (const std::int64_t ticket : {4, 1, 3, 2}) queue.add(automatic(ticket));
  EXPECT_EQ(queue.order(), (Tickets{1, 2, 3, 4}));
  EXPECT_EQ(drained(queue), (Tickets{1, 2, 3, 4}));
  EXPECT_FALSE(queue.next());
}

TEST(FairQueue, ANewcomerComesBeforeTheSecondJobOfABusyUser) {
  FairQueue queue;
  for (int i = 0; i < 5; ++i) queue.add(automatic(i, "c", "busy"));
  EXPECT_EQ(queue.take(), 0);
  queue.add(automatic(10, "c", "new"));
  EXPECT_EQ(queue.take(), 10);
  EXPECT_EQ(queue.take(), 1);
}

TEST(FairQueue, WhoSendsOneJobAtATimeDoesNotStarveTheOthers) {
  FairQueue queue;
  for (int i = 0; i < 10; ++i) queue.add(automatic(i, "backlog"));
  int backlog_served = 0;
  for (int i = 0; i < 20; ++i) {
    queue.add(automatic(100 + i, "eager"));
    backlog_served += *queue.take() < 100;
  }
  EXPECT_EQ(backlog_served, 10);
}

TEST(FairQueue, UsersRotateBeforeClients) {
  FairQueue queue;
  queue.add(automatic(1, "x", "a"));
  queue.add(automatic(2, "y", "a"));
  queue.add(automatic(3, "z", "a"));
  queue.add(automatic(4, "x", "b"));
  queue.add(automatic(5, "x", "b"));
  EXPECT_EQ(drained(queue), (Tickets{1, 4, 2, 5, 3}));
}

TEST(FairQueue, AUserThatRestsIsPassedOver) {
  FairQueue queue;
  for (int i = 0; i < 3; ++i) queue.add(automatic(i, "c", "a"));
  queue.add(automatic(3, "c", "b"));
  queue.rest("a", true);
  queue.rest("a", true);
  queue.add(automatic(4, "d", "a"));
  queue.remove(1);
  EXPECT_EQ(queue.order(), (Tickets{0, 3, 4, 2})) << "as if nobody rested";
  EXPECT_EQ(drained(queue), Tickets{3});
  queue.rest("a", false);
  EXPECT_EQ(drained(queue), (Tickets{0, 4, 2}));
}

TEST(FairQueue, ExplicitNumbersGoStrictlyByNumber) {
  FairQueue queue;
  queue.add({1, 1, false, "u", "a"});
  queue.add({2, 2, false, "u", "b"});
  queue.add({3, 0.5, true, "u", "a"});
  queue.add({4, 1.5, true, "u", "a"});
  queue.add({5, -7, true, "v", ""});
  queue.add({6, 1, true, "u", "a"});
  EXPECT_EQ(queue.order(), (Tickets{5, 3, 1, 6, 4, 2}));
  EXPECT_EQ(drained(queue), (Tickets{5, 3, 1, 6, 4, 2}));
}

TEST(FairQueue, AHigherPriorityGoesFirstAndTakesNoTurnOfTheOthers) {
  FairQueue queue;
  const auto add = [&](std::int64_t ticket, int priority, std::string owner, bool explicit_number = false) {
    queue.add({ticket, static_cast<double>(ticket), explicit_number, std::move(owner), "c", priority});
  };
  add(1, 0, "a");
  add(2, 0, "b");
  add(3, -1, "a");
  add(4, 5, "b");
  add(5, 5, "b");
  add(6, 5, "a");
  add(0, 0, "a", true);
  EXPECT_EQ(queue.order(), (Tickets{4, 6, 5, 0, 1, 2, 3}));
  EXPECT_EQ(drained(queue), (Tickets{4, 6, 5, 0, 1, 2, 3}));
}

TEST(FairQueue, WhoRestsIsPassedOverInEveryPriority) {
  FairQueue queue;
  queue.rest("a", true);
  queue.add({1, 1, false, "a", "c", 7});
  queue.add({2, 2, false, "b", "c", -7});
  EXPECT_EQ(queue.order(), (Tickets{1, 2}));
  EXPECT_EQ(queue.take(), 2);
  EXPECT_FALSE(queue.take());
  EXPECT_TRUE(queue.remove(1));
  queue.add({3, 3, false, "a", "c", 7});
  queue.rest("a", false);
  EXPECT_EQ(queue.take(), 3);
}

TEST(FairQueue, RemovedJobsLeaveNoTrace) {
  FairQueue queue;
  for (int i = 0; i < 4; ++i) queue.add(automatic(i, i % 2 ? "a" : "b"));
  queue.add({9, 1, true, "u", ""});
  EXPECT_TRUE(queue.remove(0));
  EXPECT_TRUE(queue.remove(9));
  EXPECT_FALSE(queue.remove(9));
  EXPECT_FALSE(queue.remove(77));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(drained(queue), (Tickets{1, 2, 3}));
}

TEST(FairQueue, OrderForetellsWhatIsTaken) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    FairQueue queue;
    std::int64_t ticket = 0;
    for (int step = 0; step < 80; ++step) {
      const auto what = random() % 10;
      if (what < 6)
        queue.add({ticket, static_cast<double>(random() % 40), random() % 5 == 0, std::to_string(random() % 3),
                   std::to_string(random() % 4), static_cast<int>(random() % 3) - 1}),
            ++ticket;
      else if (what < 8) queue.take();
      else queue.remove(static_cast<std::int64_t>(random() % 80));
    }
    const Tickets foretold = queue.order();
    EXPECT_EQ(foretold.size(), queue.size());
    EXPECT_EQ(drained(queue), foretold);
  }
}

TEST(FairQueue, TurnsAreRememberedForALimitedNumber) {
  // "old" was served once, then many others; only while it is remembered does a newcomer come before it.
  const auto newcomer_is_first = [](int others) {
    FairQueue queue;
    queue.add(automatic(0, "old"));
    queue.take();
    for (int i = 1; i <= others; ++i) {
      queue.add(automatic(i, "client " + std::to_string(i)));
      queue.take();
    }
    queue.add(automatic(100'000, "old"));
    queue.add(automatic(100'001, "new"));
    return *queue.take() == 100'001;
  };
  EXPECT_TRUE(newcomer_is_first(1000));
  EXPECT_FALSE(newcomer_is_first(4000));
}

TEST(FairQueue, TenThousandClientsAreOrderedQuickly) {
  FairQueue queue;
  for (int i = 0; i < 10000; ++i) queue.add(automatic(i, std::to_string(i)));
  EXPECT_EQ(queue.order().size(), 10000u);
  EXPECT_EQ(drained(queue).size(), 10000u);
}

}  // namespace
}  // namespace darkroom
