#include "gateway/job_messages.hpp"

#include "gateway/json_text.hpp"

namespace darkroom::job_messages {
namespace {

constexpr std::uint32_t kPreviewImage = 1, kText = 3, kPreviewImageWithMetadata = 4;
constexpr std::uint32_t kJpeg = 1, kPng = 2;

/// A binary message: big-endian numbers in front, then bytes (protocol.md §4.7).
std::string binary_frame(std::initializer_list<std::uint32_t> head, std::string_view first, std::string_view second = {}) {
  std::string out;
  out.reserve(4 * head.size() + first.size() + second.size());
  for (const std::uint32_t value : head)
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out.append(first).append(second);
}

/// `{"type": TYPE, "data": {...}}`, written straight to text: these messages are the many.
class Message {
 public:
  explicit Message(std::string_view type) {
    append_text(out_ += "{\"type\":", type);
    out_ += ",\"data\":{";
  }
  Message& text(std::string_view key, std::string_view value) {
    append_text(begin(key), value);
    return *this;
  }
  Message& value(std::string_view key, const json::value& value) {
    dump_to(begin(key), value);
    return *this;
  }
  std::string done() { return std::move(out_ += "}}"); }

 private:
  std::string& begin(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    return ((out_ += '"') += key) += "\":";
  }
  std::string out_;
};

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
  return Message("executing").text("node", ids.node).text("display_node", ids.display).text("prompt_id", prompt).done();
}

std::string executing_end(const std::string& prompt) {
  return Message("executing").value("node", nullptr).text("prompt_id", prompt).done();
}

std::string executing_again(const std::string& display) { return Message("executing").text("node", display).done(); }

std::string progress(const std::string& prompt, const NodeProgress& event) {
  return Message("progress").value("value", event.value).value("max", event.max).text("prompt_id", prompt).text("node", event.node).done();
}

std::string executed(const std::string& prompt, const NodeExecuted& event) {
  return Message("executed").text("node", event.ids.node).text("display_node", event.ids.display).value("output", event.output)
      .text("prompt_id", prompt).done();
}

std::string preview(const NodeProgress& event) {
  return binary_frame({kPreviewImage, event.format == "PNG" ? kPng : kJpeg}, event.picture);
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
  return binary_frame({kPreviewImageWithMetadata, static_cast<std::uint32_t>(metadata.size())}, metadata, event.picture);
}

std::string text(const TextSent& event) {
  return binary_frame({kText, static_cast<std::uint32_t>(event.node.size())}, event.node, event.text);
}

std::string binary(std::uint32_t type, std::string_view bytes) { return binary_frame({type}, bytes); }

}  // namespace darkroom::job_messages
