// The page that monitoring reads.

#include "gateway/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace darkroom {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, EveryLineIsACommentOrASample) {
  Metrics metrics;
  metrics.job_accepted();
  metrics.job_started(0.3);
  metrics.node_ran("Odd \"class\"\\\n", 1.5);
  metrics.job_ended("success", 61);
  metrics.worker_lost("memory");
  metrics.webhook_delivered();
  Metrics::Now now;
  now.pending = 3;
  now.processes = {{"gateway", 4096}};
  now.devices = {{"cpu", 100, 60}};
  const std::string page = metrics.text(now);
  for (const char* line :
       {"darkroom_queue_pending 3\n", "darkroom_jobs_accepted_total 1\n", "darkroom_jobs_ended_total{status=\"success\"} 1\n",
        "darkroom_jobs_ended_total{status=\"error\"} 0\n", "darkroom_job_wait_seconds_bucket{le=\"0.1\"} 0\n",
        "darkroom_job_wait_seconds_bucket{le=\"0.5\"} 1\n", "darkroom_job_run_seconds_bucket{le=\"60\"} 0\n",
        "darkroom_job_run_seconds_bucket{le=\"300\"} 1\n", "darkroom_job_run_seconds_bucket{le=\"+Inf\"} 1\n",
        "darkroom_job_run_seconds_sum 61\n", "darkroom_node_run_seconds_sum{class=\"Odd \\\"class\\\"\\\\\\n\"} 1.5\n",
        "darkroom_webhooks_delivered_total 1\n", "darkroom_webhooks_failed_total 0\n", "darkroom_webhooks_waiting 0\n",
        "darkroom_workers_lost_total{reason=\"memory\"} 1\n", "darkroom_resident_memory_bytes{process=\"gateway\"} 4096\n",
        "darkroom_device_memory_bytes{device=\"cpu\",kind=\"free\"} 60\n"})
    EXPECT_THAT(page, HasSubstr(line));
  EXPECT_THAT(page, Not(HasSubstr("\n\n")));
  EXPECT_EQ(page.back(), '\n');
}

TEST(Metrics, ClassesAtTheLimit) {
  Metrics metrics;
  for (int i = 0; i < 2000; ++i) metrics.node_ran("C" + std::to_string(i), 1);
  EXPECT_THAT(metrics.text({}), Not(HasSubstr("class=\"other\"")));
  metrics.node_ran("one more", 1);
  metrics.node_ran("and another", 1);
  EXPECT_THAT(metrics.text({}), HasSubstr("darkroom_node_run_seconds_count{class=\"other\"} 2\n"));
  EXPECT_THAT(metrics.text({}), Not(HasSubstr("one more")));
}

}  // namespace
}  // namespace darkroom
