#pragma once
// Jobs as API v2 shows them, whether they wait, run or are over.

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "broker/broker.hpp"

namespace darkroom {
class Folders;
struct Request;
struct Services;
}  // namespace darkroom

namespace darkroom::v2 {

struct JobFacts {
  std::string id, status;
  std::int64_t created = 0, started = 0, ended = 0;  ///< ms since 1970; 0: not yet
  std::optional<std::int64_t> position;              ///< among the waiting jobs of everybody, from 1
  std::optional<double> wait_s;                      ///< until it begins, where it can be told
  json::value progress, error;
  std::vector<json::object> outputs;  ///< data of `output` events (gateway/job_events.hpp)
  json::object labels;
};

/// The word of API v2 for a state of /api/jobs.
std::string status_word(const std::string& status);
/// The job of this user and id; nothing for none.
asio::awaitable<std::optional<JobFacts>> find_job(Services& services, std::string user, std::string id);
/// Of a finished one.
JobFacts facts_of(const HistoryEntry& entry);

/// An output as it is sent. Blocks for a moment.
json::object output_json(const json::object& output, const std::string& job_id, const Folders& folders, const std::string& base_address);
json::object job_json(const JobFacts& job, const Folders& folders, const Request& request);

}  // namespace darkroom::v2
