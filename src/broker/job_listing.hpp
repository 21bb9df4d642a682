#pragma once
// The list of jobs: what the queue knows and what the history has, as one sorted and paged list (protocol.md §8.3).

#include <string>
#include <vector>

#include "broker/broker.hpp"

namespace darkroom {

class Database;

/// A job that waits or runs: `status` "pending" or "in_progress". Nothing when the filter leaves it out.
struct QueuedForListing {
  ListedJob job;
  std::int64_t ticket = 0;
};
void add_queued(std::vector<QueuedForListing>& list, const QueuedJob& job, const char* status, const JobsFilter& filter);

/// Merges `queued`, as it was a moment ago, with the finished jobs of the database.
JobsPage list_page(Database& database, const std::string& owner, const JobsFilter& filter, std::vector<QueuedForListing> queued);

}  // namespace darkroom
