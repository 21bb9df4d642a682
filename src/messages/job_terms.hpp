#pragma once
// What the sender of a prompt asked for beside its pictures. Kept with the job from the queue into the history; workers never see it.

#include <string>

#include "base/json.hpp"

namespace darkroom {

struct JobTerms {
  /// Limits: priorities of jobs, of every sender. Beyond: 400. Fixed: a scale of its own, so that programs can rely on it. Edge:
  /// test_hosting_terms.py.
  static constexpr int kLowestPriority = -100, kHighestPriority = 100;

  int priority = 0;     ///< higher ones go first, whoever sent them; who may go above 0 is for the gateway to say
  int timeout_s = 0;    ///< seconds that it may run; 0: as long as the server lets it
  std::string webhook;  ///< address to tell of its end; "": none
  json::object labels;  ///< texts by name, for its sender to find it by
  json::array assets;   ///< where its prompt named assets instead of files: [[node id, input, ..., reference], ...]

  bool empty() const { return *this == JobTerms(); }
  bool operator==(const JobTerms&) const = default;
  /// JSON with what differs from the defaults; "" for nothing.
  std::string text() const;
  /// What is absent or of another kind keeps its default. Throws InvalidInput for what is no JSON object.
  static JobTerms of(const std::string& text);
};

}  // namespace darkroom
