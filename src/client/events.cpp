#include "client/events.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom::client {
namespace {

constexpr std::string_view kBlocked = "ExecutionBlocked";  ///< the type of an execution_error that ends nothing

/// A number of 32 bits, big-endian, off the front. Nothing when there are fewer bytes.
std::optional<std::uint32_t> take_number(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  bytes.remove_prefix(4);
  return value;
}

std::optional<std::string_view> take_counted(std::string_view& bytes) {
  const auto length = take_number(bytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  const std::string_view taken = bytes.substr(0, *length);
  bytes.remove_prefix(*length);
  return taken;
}

std::vector<std::string> texts_of(const json::array* list) {
  std::vector<std::string> texts;
  if (list)
    for (const auto& item : *list)
      if (item.is_string()) texts.emplace_back(item.get_string());
  return texts;
}

}  // namespace

JobFailed read_failure(const json::object& data) {
  return {string_or(data, "node_id", ""), string_or(data, "node_type", ""), string_or(data, "exception_type", ""),
          string_or(data, "exception_message", ""), texts_of(find_array(data, "traceback"))};
}

std::string describe_failure(const JobFailed& failure, bool traceback) {
  const auto or_else = [](std::string_view text, std::string_view other) { return std::string(text.empty() ? other : text); };
  std::string text = fmt::format("node {} ({}) failed: {}: {}", or_else(failure.node, "?"), or_else(failure.node_class, "?"),
                                 or_else(failure.exception_type, "Error"), or_else(trim(failure.message), "it gives no reason"));
  if (traceback)
    for (const auto& line : failure.traceback) text += "\n  " + std::string(trim(line));
  return text;
}

bool is_end(const JobEvent& event) {
  return std::holds_alternative<JobDone>(event) || std::holds_alternative<JobFailed>(event) ||
         std::holds_alternative<JobInterrupted>(event);
}

std::optional<BinaryMessage> read_binary(std::string_view bytes) {
  constexpr std::uint32_t kPreview = 1, kText = 3, kPreviewWithMetadata = 4, kPng = 2;
  const auto kind = take_number(bytes);
  if (kind == kPreview) {
    const auto format = take_number(bytes);
    if (!format || bytes.empty()) return std::nullopt;
    return BinaryMessage{BinaryMessage::Kind::kPreview, "", "", *format == kPng ? "image/png" : "image/jpeg", std::string(bytes)};
  }
  if (kind == kText) {
    const auto node = take_counted(bytes);
    if (!node) return std::nullopt;
    return BinaryMessage{BinaryMessage::Kind::kText, "", std::string(*node), "", std::string(bytes)};
  }
  if (kind == kPreviewWithMetadata) {
    const auto metadata = take_counted(bytes);
    if (!metadata || bytes.empty()) return std::nullopt;
    try {
      const json::value value = parse_json(*metadata);
      const auto* object = value.if_object();
      if (!object) return std::nullopt;
      return BinaryMessage{BinaryMessage::Kind::kPreview, string_or(*object, "prompt_id", ""), string_or(*object, "node_id", ""),
                           string_or(*object, "image_type", "image/jpeg"), std::string(bytes)};
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::vector<JobEvent> JobEvents::take(std::string_view type, const json::object& data) {
  std::vector<JobEvent> out;
  if (over_) return out;
  if (type == "execution_start") out.push_back(JobStarted{});
  else if (type == "execution_cached") {
    auto nodes = texts_of(find_array(data, "nodes"));
    for (const auto& node : nodes) {
      begun_.insert(node);
      finished_.insert(node);
    }
    out.push_back(NodesCached{std::move(nodes)});
  } else if (type == "executing") {
    const auto node = find_string(data, "node");
    if (!running_.empty() && node != running_ && !failure_ && !tells_states_) finish(running_, out);
    running_ = node.value_or("");
    if (node) start(*node, out);
    else end(out);
  } else if (type == "progress") {
    out.push_back(NodeStep{string_or(data, "node", running_), static_cast<std::int64_t>(number_or(data, "value", 0)),
                           static_cast<std::int64_t>(number_or(data, "max", 0))});
  } else if (type == "progress_state") {
    tells_states_ = true;
    if (const auto* nodes = find_object(data, "nodes"))
      for (const auto& [id, state] : *nodes)
        if (const auto* object = state.if_object(); object && string_or(*object, "state", "") == "finished") finish(std::string(id), out);
  } else if (type == "executed") {
    const std::string node = string_or(data, "node", "");
    const auto* output = find_object(data, "output");
    told_.insert(node);
    out.push_back(NodeOutput{node, output ? *output : json::object{}});
  } else if (type == "execution_error" && string_or(data, "exception_type", "") == kBlocked) {
    out.push_back(NodeBlocked{string_or(data, "node_id", ""), string_or(data, "node_type", ""), string_or(data, "exception_message", "")});
  } else if (type == "execution_error" || type == "execution_interrupted") {
    note_failure(type, data);
  }
  return out;
}

void JobEvents::start(const std::string& node, std::vector<JobEvent>& out) {
  if (!begun_.insert(node).second) return;
  total_ = std::max(total_, begun_.size());
  out.push_back(NodeStarted{node, begun_.size(), total_});
}

void JobEvents::finish(const std::string& node, std::vector<JobEvent>& out) {
  if (finished_.insert(node).second) out.push_back(NodeFinished{node});
}

void JobEvents::note_failure(std::string_view type, const json::object& data) {
  if (type == "execution_interrupted") failure_ = JobInterrupted{string_or(data, "node_id", ""), string_or(data, "node_type", "")};
  else failure_ = read_failure(data);
}

void JobEvents::end(std::vector<JobEvent>& out) {
  over_ = true;
  running_.clear();
  out.push_back(failure_.value_or(JobDone{}));
}

std::vector<JobEvent> JobEvents::take_loss() {
  std::vector<JobEvent> out;
  if (over_) return out;
  if (!failure_ && begun_.empty()) failure_ = JobInterrupted{};
  if (!failure_) failure_ = JobFailed{running_, "", "", "the server does not know the job any more", {}};
  end(out);
  return out;
}

std::vector<JobEvent> JobEvents::take_history(const json::object& entry) {
  std::vector<JobEvent> out;
  if (over_) return out;
  if (const auto* outputs = find_object(entry, "outputs"))
    for (const auto& [node, output] : *outputs)
      if (output.is_object() && told_.insert(std::string(node)).second) out.push_back(NodeOutput{std::string(node), output.get_object()});
  const auto* status = find_object(entry, "status");
  if (!failure_ && status && string_or(*status, "status_str", "success") != "success") {
    if (const auto* messages = find_array(*status, "messages"))
      for (const auto& item : *messages) {
        const auto* pair = item.if_array();
        if (!pair || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_object()) continue;
        const std::string_view type = (*pair)[0].get_string();
        const json::object& data = (*pair)[1].get_object();
        if (type == "execution_interrupted" || (type == "execution_error" && string_or(data, "exception_type", "") != kBlocked))
          note_failure(type, data);
      }
    if (!failure_) failure_ = JobFailed{"", "", "", "the job failed", {}};
  }
  end(out);
  return out;
}

}  // namespace darkroom::client
