#pragma once
// A job: an accepted prompt on its way. The same record lies in the broker, goes to a worker and comes back in /queue.

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "messages/job_terms.hpp"

namespace darkroom {

/// pending → running → finished (success, error, cancelled). A job that lost its worker goes back to pending once.
enum class JobState { kPending, kRunning, kFinished };

struct Job {
  std::string id;          ///< prompt_id
  json::value number;      ///< queue number: an integer when automatic, a double when given (protocol.md §3.1)
  bool explicit_number = false;  ///< `number` or `front` was given: strictly by number
  std::string owner = "local";   ///< user; `local` when there is no auth
  std::string client_id;   ///< whose socket gets the messages; "" with has_client false when none was given
  bool has_client = false;
  json::object prompt;     ///< API form, constants converted (§5.4)
  json::object extra_data; ///< without secrets; with client_id and create_time
  json::object secrets;    ///< auth_token_comfy_org, api_key_comfy_org: reach nodes, are never shown
  std::vector<std::string> outputs;  ///< output nodes to run
  JobTerms terms;                    ///< not for the worker
  int attempt = 0;         ///< fencing token: the number of this claim, from 1
  std::int64_t create_time = 0;      ///< ms since 1970

  double sort_number() const;
  /// `[number, prompt_id, prompt, extra_data, [output ids]]` of /queue and /history.
  json::array tuple() const;
  json::object to_json() const;
  static Job from_json(const json::object& wire);
};

/// What remains of a job: an entry of /history (§8.1) without its prompt tuple.
struct JobResult {
  std::string status = "success";  ///< status_str: "success" or "error"
  bool completed = true;
  bool cancelled = false;          ///< ended by execution_interrupted
  json::array messages;            ///< [[type, data], ...]
  json::object outputs;            ///< node id → ui
  json::object meta;               ///< node id → {"node_id","display_node","parent_node","real_node_id"}
  std::int64_t started = 0, ended = 0;  ///< ms
  std::string events;                   ///< numbered events as JSON (gateway/job_events.hpp); "" for none. Never on the wire
  std::string precision;           ///< that networks were computed in: `status.precision` of the entry; "" when nothing ran

  json::object to_json() const;
  static JobResult from_json(const json::object& wire);
};

}  // namespace darkroom
