#pragma once
// Queue and history as the jobs of GET /api/jobs (protocol.md §8.3): texts, put together from texts.

#include <optional>
#include <string>

#include "broker/broker.hpp"

namespace darkroom::jobs_view {

/// One line of the list: `{"id", "status", "priority", ...}`; fields that are unknown yet are left out.
std::string listed(const ListedJob& job);
/// A finished job in full: the line, and `outputs`, `execution_status`, `workflow`.
std::string finished(const HistoryEntry& entry);
/// A waiting or running job.
std::string queued(const QueuedJob& job, const char* status);
/// A waiting one: its place in the queue of everybody, from 1, and the seconds until it begins, where they can be told.
std::string waiting(const QueuedJob& job, std::int64_t position, std::optional<double> seconds);
/// `{"jobs": [...], "pagination": {...}}`
std::string page(const JobsPage& page, const JobsFilter& filter);

}  // namespace darkroom::jobs_view
