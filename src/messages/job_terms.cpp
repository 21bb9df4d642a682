#include "messages/job_terms.hpp"

#include "base/error.hpp"

namespace darkroom {

std::string JobTerms::text() const {
  if (empty()) return "";
  json::object out;
  if (priority != 0) out.emplace("priority", priority);
  if (timeout_s != 0) out.emplace("timeout", timeout_s);
  if (!webhook.empty()) out.emplace("webhook", webhook);
  if (!labels.empty()) out.emplace("labels", labels);
  if (!assets.empty()) out.emplace("assets", assets);
  return dump(out);
}

JobTerms JobTerms::of(const std::string& text) {
  JobTerms terms;
  if (text.empty()) return terms;
  const json::value wire = parse_json(text, {.max_bytes = 1u << 30});
  const auto* object = wire.if_object();
  if (!object) throw InvalidInput("stored terms are no object");
  terms.priority = static_cast<int>(int_or(*object, "priority", 0));
  terms.timeout_s = static_cast<int>(int_or(*object, "timeout", 0));
  terms.webhook = string_or(*object, "webhook", "");
  if (const auto* labels = find_object(*object, "labels")) terms.labels = *labels;
  if (const auto* assets = find_array(*object, "assets")) terms.assets = *assets;
  return terms;
}

}  // namespace darkroom
