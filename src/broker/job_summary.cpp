#include "broker/job_summary.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace darkroom {
namespace {

/// Can the editor show this file? By the key of the ui list, by its declared format, or by a 3D file's ending.
bool can_be_shown(std::string_view key, const json::object& file) {
  if (key == "images" || key == "video" || key == "audio") return true;
  const std::string format = lower(string_or(file, "format", ""));
  if (format.starts_with("video/") || format.starts_with("audio/")) return true;
  const std::string name = lower(string_or(file, "filename", ""));
  return std::ranges::any_of(std::array{".obj", ".fbx", ".gltf", ".glb"}, [&](const char* ending) { return name.ends_with(ending); });
}

std::string preview_json(const std::string& node, std::string_view key, json::object file) {
  file.insert_or_assign("nodeId", node);
  file.insert_or_assign("mediaType", key);
  std::string out;
  dump_to(out, file);
  return out;
}

void count_outputs(const json::object& outputs, JobSummary& summary) {
  std::string first, first_saved;
  for (const auto& [node, ui] : outputs) {
    if (!ui.is_object()) continue;
    for (const auto& [key, list] : ui.get_object()) {
      if (key == "animated" || !list.is_array()) continue;
      for (const auto& item : list.get_array()) {
        if (!item.is_object()) continue;
        ++summary.outputs_count;
        const json::object& file = item.get_object();
        if (!can_be_shown(key, file)) continue;
        if (first.empty()) first = preview_json(node, key, file);
        if (first_saved.empty() && string_or(file, "type", "") == "output") first_saved = preview_json(node, key, file);
      }
    }
  }
  summary.preview = first_saved.empty() ? first : first_saved;
}

}  // namespace

std::string workflow_id_of(const json::object& extra_data) {
  const auto* info = find_object(extra_data, "extra_pnginfo");
  const auto* workflow = info ? find_object(*info, "workflow") : nullptr;
  return workflow ? string_or(*workflow, "id", "") : "";
}

JobSummary summarize(const JobResult& result) {
  JobSummary summary;
  summary.status = result.cancelled ? "cancelled" : result.status == "success" ? "completed" : "failed";
  summary.started = result.started;
  summary.ended = result.ended;
  count_outputs(result.outputs, summary);
  for (const auto& message : result.messages) {
    const auto* pair = message.if_array();
    if (!pair || pair->size() != 2 || (*pair)[0] != "execution_error" || !(*pair)[1].is_object()) continue;
    dump_to(summary.error, (*pair)[1].get_object());
    break;
  }
  return summary;
}

}  // namespace darkroom
