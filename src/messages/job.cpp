#include "messages/job.hpp"

namespace darkroom {

double Job::sort_number() const { return number.is_number() ? number.to_number<double>() : 0; }

json::array Job::tuple() const {
  json::array ids(outputs.begin(), outputs.end());
  return {number, json::value(id), prompt, extra_data, std::move(ids)};
}

json::object Job::to_json() const {
  return {{"id", id}, {"number", number}, {"explicit_number", explicit_number}, {"owner", owner}, {"client_id", client_id},
          {"has_client", has_client}, {"prompt", prompt}, {"extra_data", extra_data}, {"secrets", secrets},
          {"outputs", json::array(outputs.begin(), outputs.end())}, {"attempt", attempt}, {"create_time", create_time}};
}

Job Job::from_json(const json::object& wire) {
  Job job;
  job.id = string_or(wire, "id", "");
  if (const auto* number = find(wire, "number")) job.number = *number;
  job.explicit_number = bool_or(wire, "explicit_number", false);
  job.owner = string_or(wire, "owner", "local");
  job.client_id = string_or(wire, "client_id", "");
  job.has_client = bool_or(wire, "has_client", false);
  if (const auto* object = find_object(wire, "prompt")) job.prompt = *object;
  if (const auto* object = find_object(wire, "extra_data")) job.extra_data = *object;
  if (const auto* object = find_object(wire, "secrets")) job.secrets = *object;
  if (const auto* list = find_array(wire, "outputs"))
    for (const auto& id : *list) job.outputs.emplace_back(id.as_string());
  job.attempt = static_cast<int>(int_or(wire, "attempt", 0));
  job.create_time = int_or(wire, "create_time", 0);
  return job;
}

json::object JobResult::to_json() const {
  return {{"status", status}, {"completed", completed}, {"cancelled", cancelled}, {"messages", messages},
          {"outputs", outputs}, {"meta", meta}, {"started", started}, {"ended", ended}};
}

JobResult JobResult::from_json(const json::object& wire) {
  JobResult result;
  result.status = string_or(wire, "status", "error");
  result.completed = bool_or(wire, "completed", false);
  result.cancelled = bool_or(wire, "cancelled", false);
  if (const auto* list = find_array(wire, "messages")) result.messages = *list;
  if (const auto* object = find_object(wire, "outputs")) result.outputs = *object;
  if (const auto* object = find_object(wire, "meta")) result.meta = *object;
  result.started = int_or(wire, "started", 0);
  result.ended = int_or(wire, "ended", 0);
  return result;
}

}  // namespace darkroom
