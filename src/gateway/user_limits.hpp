#pragma once
// What one user may ask of a server that others use too. 0: as much as it likes.

#include <cstdint>

namespace darkroom {

struct UserLimits {
  /// Limit: running jobs of one user. Beyond: its others wait, and those of other users go first. Set by: --user-running. Edge:
  /// BrokerConformance.AUserRunsALimitedNumberOfJobs.
  int running = 0;
  /// Limit: waiting jobs of one user. Beyond: POST /prompt and POST /restore answer 429. Set by: --user-waiting. Edge:
  /// BrokerConformance.AUserHasALimitedNumberOfWaitingJobs.
  int waiting = 100;
  /// Limit: priority of a job of a user who does not run this server. Beyond: 403. Set by: --user-priority. Edge:
  /// JobWishes.APriorityIsForThoseWhoMayHaveIt.
  int priority = 0;
  /// Limit: jobs that one user sends in an hour. Beyond: 429 with Retry-After. Set by: --user-jobs. Edge: Allowances.JobsInAnHour.
  int jobs_an_hour = 0;
  /// Limit: time for which jobs of one user have run in an hour, s. Beyond: no more are taken: 429 with Retry-After. Set by:
  /// --user-seconds. Edge: Allowances.SecondsInAnHour.
  double seconds_an_hour = 0;
  /// Limit: uploads of one user in a minute. Beyond: 429 with Retry-After. Set by: --user-uploads. Edge: Allowances.UploadsInAMinute.
  int uploads_a_minute = 60;
  /// Limit: bytes that one user uploads in an hour. Beyond: 429 with Retry-After; a single upload over it: 413.
  /// Set by: --user-bytes. Edge: Allowances.BytesInAnHour.
  std::uint64_t bytes_an_hour = 4ull << 30;
  /// Limit: pixels of the photographs that one user has restored in an hour, millions. Beyond: 429 with Retry-After; a single one over it:
  /// 413. Set by: --user-megapixels. Edge: Allowances.PixelsInAnHour.
  double megapixels_an_hour = 4000;
};

}  // namespace darkroom
