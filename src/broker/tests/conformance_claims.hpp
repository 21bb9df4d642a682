#pragma once
// Conformance of brokers: who gets which job, and what becomes of one whose worker is gone.

#include "broker/tests/conformance_bench.hpp"

namespace darkroom {

TEST_P(BrokerConformance, OneClientIsServedInOrder) {
  for (int i = 0; i < 20; ++i) submit(make_job("j" + std::to_string(i), i));
  const Ids shown = pending_ids();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(shown[i], "j" + std::to_string(i));
    EXPECT_EQ(claim_id(), shown[i]);
  }
}

TEST_P(BrokerConformance, UsersAndClientsTakeTurns) {
  for (int i = 0; i < 4; ++i) submit(make_job("a" + std::to_string(i), i, "a"));
  submit(make_job("b0", 4, "b"));
  submit(make_job("n0", 5, ""));
  submit(make_job("b1", 6, "b"));
  const Ids expected = {"a0", "b0", "n0", "a1", "b1", "a2", "a3"};
  EXPECT_EQ(pending_ids(), expected);
  for (const std::string& id : expected) EXPECT_EQ(claim_id(), id);
}

TEST_P(BrokerConformance, ExplicitNumbersCompeteWithTheJobThatIsNext) {
  for (int i = 0; i < 3; ++i) submit(make_job("j" + std::to_string(i), i));
  submit(explicit_job("later", 1.5));
  submit(explicit_job("front", -3));
  submit(explicit_job("same", 2));
  const Ids expected = {"front", "j0", "j1", "later", "j2", "same"};
  EXPECT_EQ(pending_ids(), expected);
  for (const std::string& id : expected) EXPECT_EQ(claim_id(), id);
}

TEST_P(BrokerConformance, StaleClaimsAreRefused) {
  submit(make_job("a", 0));
  const Claim first = claim()->claim;
  EXPECT_EQ(run(broker_->lose(first)), Broker::Lost::kPending);
  const auto second = claim();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->claim.attempt, 2);
  EXPECT_EQ(second->losses, 1);
  EXPECT_FALSE(run(broker_->finish(first, success())));
  EXPECT_FALSE(run(broker_->extend(first, kLongLease)));
  EXPECT_FALSE(run(broker_->hand_back(first)));
  EXPECT_EQ(run(broker_->lose(first)), Broker::Lost::kStale);
  EXPECT_TRUE(history_ids().empty());
  EXPECT_TRUE(run(broker_->extend(second->claim, kLongLease)));
  EXPECT_TRUE(run(broker_->finish(second->claim, success())));
  EXPECT_FALSE(run(broker_->finish(second->claim, success())));
  EXPECT_EQ(history_ids(), Ids{"a"});
}

TEST_P(BrokerConformance, ASecondLossEndsTheRetries) {
  submit(make_job("a", 0));
  EXPECT_EQ(run(broker_->lose(claim()->claim)), Broker::Lost::kPending);
  const Claim second = claim()->claim;
  EXPECT_EQ(run(broker_->lose(second)), Broker::Lost::kExhausted);
  EXPECT_FALSE(claim());
  EXPECT_TRUE(run(broker_->finish(second, success())));
}

TEST_P(BrokerConformance, HandingBackCountsNoLossAndKeepsThePlace) {
  submit(make_job("a", 0));
  submit(make_job("b", 1));
  for (int i = 1; i <= 5; ++i) {
    const auto claimed = claim();
    EXPECT_EQ(claimed->job.id, "a");
    EXPECT_EQ(claimed->claim.attempt, i);
    EXPECT_EQ(claimed->losses, 0);
    EXPECT_TRUE(run(broker_->hand_back(claimed->claim)));
  }
  EXPECT_EQ(pending_ids(), (Ids{"a", "b"}));
}

TEST_P(BrokerConformance, LeasesRunOut) {
  submit(make_job("a", 0));
  const auto wait = [&] { std::this_thread::sleep_for(30ms); };
  const Claim first = claim(10ms)->claim;
  EXPECT_TRUE(run(broker_->extend(first, kLongLease)));
  wait();
  EXPECT_TRUE(run(broker_->expire_leases()).empty());
  EXPECT_TRUE(run(broker_->extend(first, 10ms)));
  wait();
  EXPECT_TRUE(run(broker_->expire_leases()).empty());
  EXPECT_FALSE(run(broker_->finish(first, success())));
  const Claim second = claim(10ms)->claim;
  EXPECT_EQ(second.attempt, 2);
  wait();
  const auto exhausted = run(broker_->expire_leases());
  ASSERT_EQ(exhausted.size(), 1u);
  EXPECT_FALSE(run(broker_->finish(second, success()))) << "the late worker is refused";
  EXPECT_TRUE(run(broker_->expire_leases()).empty());
  EXPECT_TRUE(run(broker_->finish(exhausted[0], success())));
}

}  // namespace darkroom
