#include "load/faults.hpp"

#include <iostream>

namespace darkroom::load {
namespace {

constexpr const char* kNames[] = {"lost_events",    "events_out_of_order", "unexpected_messages", "untrue_statuses",
                                  "stale_statuses", "wrong_results",       "failed_requests",     "unanswered_jobs"};
constexpr std::size_t kMostTold = 10;

}  // namespace

void Faults::add(Kind kind, const std::string& what, std::size_t count) {
  if (count == 0) return;
  counts_[kind] += count;
  if (told_++ < kMostTold) std::cerr << kNames[kind] << ": " << what << '\n';
}

json::object Faults::counts() const {
  json::object counts;
  for (int kind = 0; kind < kKinds; ++kind) counts[kNames[kind]] = counts_[kind];
  return counts;
}

}  // namespace darkroom::load
