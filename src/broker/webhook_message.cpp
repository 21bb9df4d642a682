#include "broker/webhook_message.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/percent.hpp"
#include "broker/job_summary.hpp"

namespace darkroom {
namespace {

/// Gives every `{"filename", "subfolder", "type"}` the address at which the server shows it.
void add_addresses(json::value& outputs) {
  if (auto* list = outputs.if_array()) {
    for (json::value& item : *list) add_addresses(item);
  } else if (auto* object = outputs.if_object()) {
    for (auto& [key, item] : *object) add_addresses(item);
    if (const auto name = find_string(*object, "filename"))
      (*object)["url"] =
          fmt::format("/view?filename={}&subfolder={}&type={}", percent_encode(*name), percent_encode(string_or(*object, "subfolder", "")),
                      percent_encode(string_or(*object, "type", "output")));
  }
}

/// What failed, without the traceback and the values that the node had: they are for whoever may read the history.
json::value error_in(const JobSummary& summary) {
  if (summary.error.empty()) return nullptr;
  const json::value all = parse_json(summary.error, {.max_bytes = summary.error.size()});
  json::object error;
  for (const char* key : {"node_id", "node_type", "exception_type", "exception_message"})
    if (const auto* value = find(all.as_object(), key)) error[key] = *value;
  return error;
}

}  // namespace

WebhookMessage webhook_message(const WebhookSubject& job, const JobResult& result, std::int64_t now) {
  const JobSummary summary = summarize(result);
  const std::string word = summary.status == "completed" ? "succeeded" : summary.status;
  json::object body{
      {"type", "job." + word}, {"id", job.id}, {"status", summary.status}, {"create_time", job.create_time}, {"ended", summary.ended}};
  if (summary.started > 0) body["started"] = summary.started;
  json::value outputs = result.outputs;
  add_addresses(outputs);
  if (dump(outputs).size() <= kMaxWebhookOutputs) {
    body["outputs"] = std::move(outputs);
  } else {
    body["outputs"] = nullptr;
    body["outputs_omitted"] = true;
  }
  body["error"] = error_in(summary);
  const std::string id = sha256_hex(fmt::format("{}\n{}\n{}\n{}", job.owner, job.id, job.ticket, job.create_time));
  return {.seq = 0,
          .id = "msg_" + id.substr(0, 32),
          .owner = job.owner,
          .url = job.url,
          .made = now,
          .tries = 0,
          .next_try = now,
          .body = dump(body)};
}

}  // namespace darkroom
