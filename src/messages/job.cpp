#include "messages/job.hpp"

#include <concepts>
#include <type_traits>

namespace darkroom {
namespace {

/// Every field of a record with its name on the wire; one list for both directions.
template <class AnyJob, class Visit>
  requires std::same_as<std::remove_const_t<AnyJob>, Job>
void each_field(AnyJob& job, Visit visit) {
  visit("id", job.id);
  visit("number", job.number);
  visit("explicit_number", job.explicit_number);
  visit("owner", job.owner);
  visit("client_id", job.client_id);
  visit("has_client", job.has_client);
  visit("prompt", job.prompt);
  visit("extra_data", job.extra_data);
  visit("secrets", job.secrets);
  visit("outputs", job.outputs);
  visit("attempt", job.attempt);
  visit("create_time", job.create_time);
}

template <class AnyResult, class Visit>
  requires std::same_as<std::remove_const_t<AnyResult>, JobResult>
void each_field(AnyResult& result, Visit visit) {
  visit("status", result.status);
  visit("completed", result.completed);
  visit("cancelled", result.cancelled);
  visit("messages", result.messages);
  visit("outputs", result.outputs);
  visit("meta", result.meta);
  visit("started", result.started);
  visit("ended", result.ended);
  visit("precision", result.precision);
}

json::value written(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }
template <class Value>
json::value written(const Value& value) {
  return json::value(value);
}

// What is absent or of another kind keeps its default.
void read(const json::value& wire, std::string& out) { if (wire.is_string()) out = wire.get_string(); }
void read(const json::value& wire, json::value& out) { out = wire; }
void read(const json::value& wire, bool& out) { if (wire.is_bool()) out = wire.get_bool(); }
void read(const json::value& wire, json::object& out) { if (wire.is_object()) out = wire.get_object(); }
void read(const json::value& wire, json::array& out) { if (wire.is_array()) out = wire.get_array(); }
void read(const json::value& wire, int& out) { if (wire.is_int64()) out = static_cast<int>(wire.get_int64()); }
void read(const json::value& wire, std::int64_t& out) { if (wire.is_int64()) out = wire.get_int64(); }
void read(const json::value& wire, std::vector<std::string>& out) {
  if (const auto* list = wire.if_array())
    for (const auto& item : *list) out.emplace_back(item.as_string());
}

template <class Kind>
json::object to_wire(const Kind& record) {
  json::object wire;
  each_field(record, [&](const char* name, const auto& value) { wire.emplace(name, written(value)); });
  return wire;
}

template <class Kind>
Kind from_wire(const json::object& wire, Kind record) {
  each_field(record, [&](const char* name, auto& value) {
    if (const auto* given = find(wire, name)) read(*given, value);
  });
  return record;
}

}  // namespace

double Job::sort_number() const { return number.is_number() ? number.to_number<double>() : 0; }

json::array Job::tuple() const {
  json::array ids(outputs.begin(), outputs.end());
  return {number, json::value(id), prompt, extra_data, std::move(ids)};
}

json::object Job::to_json() const { return to_wire(*this); }
Job Job::from_json(const json::object& wire) { return from_wire(wire, Job()); }

json::object JobResult::to_json() const { return to_wire(*this); }
/// A result that does not say so is no success.
JobResult JobResult::from_json(const json::object& wire) { return from_wire(wire, JobResult{.status = "error", .completed = false}); }

}  // namespace darkroom
