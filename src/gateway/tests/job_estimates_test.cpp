#include "gateway/job_estimates.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

TEST(JobEstimates, SayNothingBeforeAJobHasRun) {
  JobEstimates estimates;
  EXPECT_FALSE(estimates.until_start(1, {}, 1));
  estimates.ran(10);
  EXPECT_EQ(estimates.until_start(1, {}, 1), 0);
  EXPECT_FALSE(estimates.until_start(1, {}, 0)) << "no worker is there";
  EXPECT_FALSE(estimates.until_start(0, {}, 1));
}

TEST(JobEstimates, CountWhatRunsAndWhatWaitsBefore) {
  JobEstimates estimates;
  estimates.ran(10);
  EXPECT_EQ(estimates.until_start(1, {4}, 1), 6);
  EXPECT_EQ(estimates.until_start(3, {4}, 1), 26);
  EXPECT_EQ(estimates.until_start(1, {12}, 1), 0) << "it takes longer than most";
  EXPECT_EQ(estimates.until_start(1, {4, 9}, 2), 1);
  EXPECT_EQ(estimates.until_start(2, {4, 9}, 2), 6);
  EXPECT_EQ(estimates.until_start(3, {4, 9}, 2), 11);
  EXPECT_EQ(estimates.until_start(1'000'001, {0, 0}, 2), 5'000'010) << "however many wait";
}

TEST(JobEstimates, NewerTimesCountMore) {
  JobEstimates estimates;
  for (int i = 0; i < 50; ++i) estimates.ran(10);
  for (int i = 0; i < 20; ++i) estimates.ran(100);
  EXPECT_NEAR(*estimates.until_start(2, {}, 1), 100, 2);
}

}  // namespace
}  // namespace darkroom
