#pragma once
// How long the job desk waits for whom.

#include <chrono>

namespace darkroom {

/// Tests shorten them.
struct JobTimes {
  /// Limit: time for which messages of a job wait for the reply to its POST /prompt, ms. Beyond: they are sent. Fixed: a client that
  /// takes no reply may still watch. Edge: JobDeskTest.AReplyThatIsNeverWrittenHoldsMessagesBackForAMomentOnly.
  std::chrono::milliseconds reply{1000};
  /// Limit: time for a cancelled node to end, ms. Beyond: its worker is killed and replaced. Set by: --cancel-grace. Edge:
  /// JobDeskTest.ANodeThatOutlivesTheGraceTimeIsKilled.
  std::chrono::milliseconds grace{10000};
  /// Limit: time for which another cancel of a job counts as the same wish, ms. Beyond: it ends the grace time. Fixed: a double click is over by
  /// then. Edge: JobDeskTest.ASecondCancelEndsTheGraceTime.
  std::chrono::milliseconds impatience{3000};
  /// Limit: time for which GET /queue waits for a job that was just handed to a worker to say that it began, ms. Beyond: it answers without.
  /// Fixed: a worker says so within a millisecond or two. Edge: JobDeskTest.TheQueueWaitsForABeginningForAMomentOnly.
  std::chrono::milliseconds beginning{50};
  /// Limit: time for which a job runs, ms; 0: any. Beyond: it is ended with an error that says so. Set by: --job-timeout. Edge:
  /// JobDeskTest.AJobThatRunsTooLongEndsWithAnError.
  std::chrono::milliseconds longest{0};
  std::chrono::milliseconds tick{500};  ///< leases, grace times, silent nodes
  /// Limit: time for which a worker holds a job without a sign of life, ms. Beyond: the job is given to another. Fixed: renewed twice
  /// a second. Edge: BrokerConformance.LeasesRunOut.
  std::chrono::milliseconds lease{30000};
};

}  // namespace darkroom
