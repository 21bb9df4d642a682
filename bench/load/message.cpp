#include "load/message.hpp"

#include <charconv>

#include "base/json.hpp"

namespace darkroom::load {
namespace {

/// A thousand sockets hear fifty of these a second: nothing else of them is read.
bool read_status(std::string_view text, Message& message) {
  constexpr std::string_view kType = "\"status\"", kCount = "\"queue_remaining\":";
  if (text.substr(0, 24).find(kType) == text.npos) return false;
  const std::size_t at = text.find(kCount);
  if (at == text.npos) return false;
  std::string_view number = text.substr(at + kCount.size());
  if (number.starts_with(' ')) number.remove_prefix(1);
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), message.queue_remaining);
  if (fault != std::errc{}) return false;
  message.kind = Message::Kind::kStatus;
  return true;
}

Step step_of(std::string_view type, const json::object& data) {
  if (type == "execution_start") return Step::kStart;
  if (type == "execution_cached") return Step::kCached;
  if (type == "execution_success") return Step::kSuccess;
  const auto* node = find(data, "node");
  if (type == "executing" && node && node->is_null()) return Step::kEnd;
  const std::string name = string_or(data, "node", "");
  if (type == "executing" && name == kNumberNode) return Step::kNumber;
  if (type == "executing" && name == kTextNode) return Step::kText;
  if (type == "executed" && name == kTextNode) return Step::kOutput;
  return Step::kDone;
}

}  // namespace

Message message_of(std::string_view text) {
  Message message;
  if (read_status(text, message)) return message;
  const json::value whole = parse_json(text);
  const std::string type = string_or(whole.as_object(), "type", "");
  const auto* data = find_object(whole.as_object(), "data");
  if (!data) return message;
  message.prompt_id = string_or(*data, "prompt_id", "");
  message.step = step_of(type, *data);
  if (message.step != Step::kDone) message.kind = Message::Kind::kStep;
  else if (type == "progress_state") message.kind = Message::Kind::kProgress;
  return message;
}

}  // namespace darkroom::load
