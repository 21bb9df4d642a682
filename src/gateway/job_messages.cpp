#include "gateway/job_messages.hpp"

#include "gateway/json_text.hpp"

namespace darkroom::job_messages {
namespace {

constexpr std::uint32_t kPreviewImage = 1, kText = 3, kPreviewImageWithMetadata = 4;
constexpr std::uint32_t kJpeg = 1, kPng = 2;

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

}  // namespace

std::string status(std::size_t queue_remaining, const std::string* sid) {
  std::string out = R"({"type":"status","data":{"status":{"exec_info":{"queue_remaining":)";
  append_integer(out, static_cast<std::int64_t>(queue_remaining));
  out += "}}";
  if (sid) append_text(out += ",\"sid\":", *sid);
  out += "}}";
  return out;
}

std::string wrap(std::string_view type, std::string_view data) {
  std::string out = "{\"type\":";
  out.reserve(data.size() + 64);
  append_text(out, type);
  ((out += ",\"data\":") += data) += '}';
  return out;
}

json::object execution_start(const std::string& prompt, std::int64_t timestamp) {
  return {{"prompt_id", prompt}, {"timestamp", timestamp}};
}

json::object execution_cached(const std::string& prompt, const std::vector<std::string>& nodes, std::int64_t timestamp) {
  return {{"nodes", texts(nodes)}, {"prompt_id", prompt}, {"timestamp", timestamp}};
}

json::object execution_success(const std::string& prompt, std::int64_t timestamp) {
  return {{"prompt_id", prompt}, {"timestamp", timestamp}};
}

json::object execution_interrupted(const std::string& prompt, const JobInterrupted& event) {
  return {{"prompt_id", prompt}, {"node_id", event.node}, {"node_type", event.node_type}, {"executed", texts(event.executed)},
          {"timestamp", event.timestamp}};
}

json::object execution_error(const std::string& prompt, const json::object& error, std::optional<std::int64_t> timestamp) {
  json::object data{{"prompt_id", prompt}};
  for (const auto& [key, value] : error) data.emplace(key, value);
  if (timestamp) data.insert_or_assign("timestamp", *timestamp);
  return data;
}

std::string executing(const std::string& prompt, const NodeIds& ids) {
  std::string out = R"({"type":"executing","data":{"node":)";
  append_text(out, ids.node);
  append_text(out += ",\"display_node\":", ids.display);
  append_text(out += ",\"prompt_id\":", prompt);
  out += "}}";
  return out;
}

std::string executing_end(const std::string& prompt) {
  std::string out = R"({"type":"executing","data":{"node":null,"prompt_id":)";
  append_text(out, prompt);
  out += "}}";
  return out;
}

std::string executing_again(const std::string& display) {
  std::string out = R"({"type":"executing","data":{"node":)";
  append_text(out, display);
  out += "}}";
  return out;
}

std::string progress(const std::string& prompt, const NodeProgress& event) {
  std::string out = R"({"type":"progress","data":{"value":)";
  dump_to(out, event.value);
  dump_to(out += ",\"max\":", event.max);
  append_text(out += ",\"prompt_id\":", prompt);
  append_text(out += ",\"node\":", event.node);
  out += "}}";
  return out;
}

std::string executed(const std::string& prompt, const NodeExecuted& event) {
  std::string out = R"({"type":"executed","data":{"node":)";
  append_text(out, event.ids.node);
  append_text(out += ",\"display_node\":", event.ids.display);
  dump_to(out += ",\"output\":", event.output);
  append_text(out += ",\"prompt_id\":", prompt);
  out += "}}";
  return out;
}

std::string preview(const NodeProgress& event) {
  std::string out;
  out.reserve(8 + event.picture.size());
  append_u32(out, kPreviewImage);
  append_u32(out, event.format == "PNG" ? kPng : kJpeg);
  out += event.picture;
  return out;
}

std::string preview_with_metadata(const std::string& prompt, const NodeIds& ids, const NodeProgress& event) {
  std::string metadata = "{\"node_id\":";
  append_text(metadata, ids.node);
  append_text(metadata += ",\"prompt_id\":", prompt);
  append_text(metadata += ",\"display_node_id\":", ids.display);
  metadata += ",\"parent_node_id\":";
  if (ids.parent) append_text(metadata, *ids.parent);
  else metadata += "null";
  append_text(metadata += ",\"real_node_id\":", ids.real);
  metadata += event.format == "PNG" ? R"(,"image_type":"image/png"})" : R"(,"image_type":"image/jpeg"})";

  std::string out;
  out.reserve(8 + metadata.size() + event.picture.size());
  append_u32(out, kPreviewImageWithMetadata);
  append_u32(out, static_cast<std::uint32_t>(metadata.size()));
  out += metadata;
  out += event.picture;
  return out;
}

std::string text(const TextSent& event) {
  std::string out;
  append_u32(out, kText);
  append_u32(out, static_cast<std::uint32_t>(event.node.size()));
  (out += event.node) += event.text;
  return out;
}

std::string binary(std::uint32_t type, std::string_view bytes) {
  std::string out;
  out.reserve(4 + bytes.size());
  append_u32(out, type);
  out += bytes;
  return out;
}

}  // namespace darkroom::job_messages
