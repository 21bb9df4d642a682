#include "broker/job_listing.hpp"

#include <algorithm>
#include <unordered_set>

#include "broker/history_table.hpp"

namespace darkroom {
namespace {

/// A place in the list: a job of the queue, or the place of a history entry.
struct Candidate {
  QueuedForListing* queued = nullptr;
  ListingKey key;
};

}  // namespace

void add_queued(std::vector<QueuedForListing>& list, const QueuedJob& job, const char* status, const JobsFilter& filter) {
  if (!filter.status.empty() && std::ranges::find(filter.status, status) == filter.status.end()) return;
  if (!filter.workflow_id.empty() && job.workflow_id != filter.workflow_id) return;
  list.push_back(
      {{job.id, job.number, {.status = status, .create_time = job.create_time, .workflow_id = job.workflow_id}, job.terms}, job.ticket});
}

JobsPage list_page(Database& database, const std::string& owner, const JobsFilter& filter, std::vector<QueuedForListing> queued) {
  const auto finished = list_history(database, owner, filter);
  // A job that ended since the queue was looked at is in both: the history has the newer word.
  std::unordered_set<std::int64_t> ended;
  for (const ListingKey& key : finished) ended.insert(key.ticket);

  std::vector<Candidate> candidates;
  for (auto& item : queued)
    if (!ended.contains(item.ticket)) candidates.push_back({&item, {.ticket = item.ticket, .create_time = item.job.summary.create_time}});
  for (const ListingKey& key : finished) candidates.push_back({nullptr, key});

  const auto by = [&](const Candidate& item) { return filter.by_duration ? item.key.duration : item.key.create_time; };
  std::ranges::stable_sort(candidates, [&](const Candidate& a, const Candidate& b) { return filter.ascending ? by(a) < by(b) : by(b) < by(a); });

  JobsPage page{.total = static_cast<std::int64_t>(candidates.size())};
  const std::int64_t first = std::clamp<std::int64_t>(filter.offset, 0, page.total);
  const std::int64_t count = std::min(filter.limit.value_or(page.total), page.total - first);
  for (std::int64_t i = first; i < first + count; ++i) {
    const Candidate& item = candidates[static_cast<std::size_t>(i)];
    if (item.queued) page.jobs.push_back(std::move(item.queued->job));
    else if (auto listed = read_listed(database, item.key.place)) page.jobs.push_back(std::move(*listed));
  }
  return page;
}

}  // namespace darkroom
