#pragma once
// What a list of jobs shows of one (protocol.md §8.3), made once when the job ends, so that listing thousands reads no graph.

#include <cstdint>
#include <string>

#include "base/json.hpp"
#include "messages/job.hpp"

namespace darkroom {

struct JobSummary {
  std::string status = "pending";  ///< pending, in_progress, completed, failed, cancelled
  std::int64_t create_time = 0, started = 0, ended = 0;  ///< ms; 0: not yet
  std::int64_t outputs_count = 0;
  std::string workflow_id;  ///< "" when there is none
  std::string preview;      ///< JSON of preview_output, "" when there is none
  std::string error;        ///< JSON of the data of `execution_error`, "" when there is none
};

/// Summary of a result; `create_time` and `workflow_id` are the job's own and left as they are.
JobSummary summarize(const JobResult& result);

/// `extra_data.extra_pnginfo.workflow.id`, "" when it isn't there or no text.
std::string workflow_id_of(const json::object& extra_data);

}  // namespace darkroom
