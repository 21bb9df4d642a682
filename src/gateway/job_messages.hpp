#pragma once
// The WebSocket messages of a job as texts and bytes (protocol.md §4.5, §4.7): keys in the recorded order, one function each.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "messages/events.hpp"

namespace darkroom::job_messages {

/// `sid` only in the first message of a socket.
std::string status(std::size_t queue_remaining, const std::string* sid = nullptr);

/// `{"type": type, "data": data}` around a data text.
std::string wrap(std::string_view type, std::string_view data);

// The data of messages that the history keeps too.
json::object execution_start(const std::string& prompt, std::int64_t timestamp);
json::object execution_cached(const std::string& prompt, const std::vector<std::string>& nodes, std::int64_t timestamp);
json::object execution_success(const std::string& prompt, std::int64_t timestamp);
json::object execution_interrupted(const std::string& prompt, const JobInterrupted& event);
/// `error` as a worker sent it; `timestamp` none for a blocker's.
json::object execution_error(const std::string& prompt, const json::object& error, std::optional<std::int64_t> timestamp);

std::string executing(const std::string& prompt, const NodeIds& ids);
std::string executing_end(const std::string& prompt);
/// For a socket that came back: where its job is.
std::string executing_again(const std::string& display);
std::string progress(const std::string& prompt, const NodeProgress& event);
std::string executed(const std::string& prompt, const NodeExecuted& event);

/// Binary 1: a picture.
std::string preview(const NodeProgress& event);
/// Binary 4: a picture with its node.
std::string preview_with_metadata(const std::string& prompt, const NodeIds& ids, const NodeProgress& event);
/// Binary 3: a text at a node.
std::string text(const TextSent& event);
/// Any type with raw bytes.
std::string binary(std::uint32_t type, std::string_view bytes);

}  // namespace darkroom::job_messages
