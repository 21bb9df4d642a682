#include "messages/wire.hpp"

#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kLengthBytes = 4;            // the u32 in front, which counts what follows it
constexpr std::size_t kHeadBytes = 1 + 4;          // version and length of the JSON
constexpr std::size_t kCompactOver = 1u << 20;     // a reader gives read bytes back once they are this many
/// A prompt may be nested 256 deep itself, and lies some levels down in its record.
constexpr JsonLimits kRecordJson = {.max_bytes = kMaxRecordBytes, .max_depth = 300};

void put_u32(std::string& out, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[at + i] = static_cast<char>(value >> (8 * i));
}

std::uint32_t get_u32(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

/// Bytes that are no UTF-8 become U+FFFD: a file's name in an error text must not close the link.
std::string with_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char c = text[i];
    const std::size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (is_valid_utf8(text.substr(i, length)) && i + length <= text.size()) {
      out += text.substr(i, length);
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  return out;
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

std::vector<std::string> texts_of(const json::object& data, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = find_array(data, key))
    for (const auto& item : *list) {
      if (!item.is_string()) throw InvalidInput(fmt::format("record: {} holds something that is no text", key));
      out.emplace_back(item.get_string());
    }
  return out;
}

json::value value_of(const json::object& data, std::string_view key) {
  const auto* value = find(data, key);
  return value ? *value : json::value();
}

json::object object_of(const json::object& data, std::string_view key) {
  const auto* object = find_object(data, key);
  return object ? *object : json::object();
}

/// The four names; those equal to `node` are left out, which is nearly always all of them.
void put_ids(json::object& data, const NodeIds& ids) {
  data.emplace("node", ids.node);
  if (ids.display != ids.node) data.emplace("display", ids.display);
  if (ids.real != ids.node) data.emplace("real", ids.real);
  if (ids.parent) data.emplace("parent", *ids.parent);
}

NodeIds ids_of(const json::object& data) {
  NodeIds ids;
  ids.node = string_or(data, "node", "");
  ids.display = string_or(data, "display", ids.node);
  ids.real = string_or(data, "real", ids.node);
  ids.parent = find_string(data, "parent");
  return ids;
}

/// Writes each event's fields; the name of the event stands in "event".
struct Writer {
  json::object& data;
  std::string& bytes;

  void name(const char* event) { data.emplace("event", event); }

  void operator()(const JobStarted& event) {
    name("started");
    data.emplace("timestamp", event.timestamp);
    data.emplace("precision", event.precision);
  }
  void operator()(const NodesCached& event) {
    name("cached");
    data.emplace("nodes", texts(event.nodes));
    data.emplace("timestamp", event.timestamp);
  }
  void operator()(const NodeStarted& event) { name("node_started"); put_ids(data, event.ids); }
  void operator()(const NodeProgress& event) {
    name("progress");
    data.emplace("node", event.node);
    data.emplace("value", event.value);
    data.emplace("max", event.max);
    if (!event.message) data.emplace("message", false);
    if (!event.format.empty()) data.emplace("format", event.format);
    bytes = event.picture;
  }
  void operator()(const NodeExecuted& event) { name("executed"); put_ids(data, event.ids); data.emplace("output", event.output); }
  void operator()(const NodeFinished& event) {
    name("node_finished");
    put_ids(data, event.ids);
    if (event.cached) data.emplace("cached", true);
  }
  void operator()(const TextSent& event) { name("text"); data.emplace("node", event.node); data.emplace("text", event.text); }
  void operator()(const MessageSent& event) {
    name("message");
    data.emplace("type", event.type);
    data.emplace("data", event.data);
    address(event.to_all, event.sid);
  }
  void operator()(const BinarySent& event) {
    name("binary");
    data.emplace("number", event.event);
    address(event.to_all, event.sid);
    bytes = event.bytes;
  }
  void operator()(const NodeBlocked& event) { name("blocked"); data.emplace("error", event.error); }
  void operator()(const JobSucceeded& event) { name("succeeded"); data.emplace("timestamp", event.timestamp); }
  void operator()(const JobFailed& event) {
    name("failed");
    data.emplace("error", event.error);
    data.emplace("timestamp", event.timestamp);
  }
  void operator()(const JobInterrupted& event) {
    name("interrupted");
    data.emplace("node", event.node);
    data.emplace("node_type", event.node_type);
    data.emplace("executed", texts(event.executed));
    data.emplace("timestamp", event.timestamp);
  }

  void address(bool to_all, const std::string& sid) {
    if (to_all) data.emplace("to_all", true);
    if (!sid.empty()) data.emplace("sid", sid);
  }
};

}  // namespace

std::string encode(const Record& record) {
  std::string out(kLengthBytes + kHeadBytes, '\0');
  out += "{\"kind\":";
  dump_to(out, json::value(record.kind));
  if (!record.data.empty()) {
    const std::size_t brace = out.size();
    dump_to(out, record.data);
    out[brace] = ',';
  } else {
    out += '}';
  }
  const std::string_view text = std::string_view(out).substr(kLengthBytes + kHeadBytes);
  if (!is_valid_utf8(text)) out.replace(kLengthBytes + kHeadBytes, std::string::npos, with_valid_utf8(text));

  const std::size_t json_bytes = out.size() - kLengthBytes - kHeadBytes;
  const std::size_t length = kHeadBytes + json_bytes + record.bytes.size();
  if (length > kMaxRecordBytes)
    throw TooLarge(fmt::format("record {}: {} bytes are more than the limit of {}", record.kind, length, kMaxRecordBytes));
  put_u32(out, 0, static_cast<std::uint32_t>(length));
  out[kLengthBytes] = static_cast<char>(kWireVersion);
  put_u32(out, kLengthBytes + 1, static_cast<std::uint32_t>(json_bytes));
  out += record.bytes;
  return out;
}

void RecordReader::feed(std::string_view bytes) {
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
    if (buffer_.capacity() > 4 * kCompactOver) buffer_.shrink_to_fit();
  } else if (at_ > kCompactOver) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_ += bytes;
}

std::optional<Record> RecordReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  if (rest.size() < kLengthBytes + 1) return std::nullopt;
  // Version and length are judged before the record is complete, so that garbage isn't waited for.
  const std::size_t length = get_u32(rest.data());
  const auto version = static_cast<std::uint8_t>(rest[kLengthBytes]);
  if (version != kWireVersion) throw InvalidInput(fmt::format("record: version {} where {} is spoken", version, kWireVersion));
  if (length > kMaxRecordBytes || length < kHeadBytes)
    throw InvalidInput(fmt::format("record: a length of {} bytes is not within {} and {}", length, kHeadBytes, kMaxRecordBytes));
  if (rest.size() < kLengthBytes + length) return std::nullopt;
  const std::size_t json_bytes = get_u32(rest.data() + kLengthBytes + 1);
  if (json_bytes > length - kHeadBytes) throw InvalidInput(fmt::format("record: JSON of {} bytes in a record of {}", json_bytes, length));

  json::value parsed;
  try {
    parsed = parse_json(rest.substr(kLengthBytes + kHeadBytes, json_bytes), kRecordJson);
  } catch (const TooLarge& error) {
    throw InvalidInput(fmt::format("record: {}", error.what()));
  }
  if (!parsed.is_object()) throw InvalidInput("record: its JSON is no object");
  Record record;
  record.data = std::move(parsed.get_object());
  const auto kind = find_string(record.data, "kind");
  if (!kind) throw InvalidInput("record: without a kind");
  record.kind = *kind;
  record.data.stable_erase("kind");
  record.bytes = rest.substr(kLengthBytes + kHeadBytes + json_bytes, length - kHeadBytes - json_bytes);
  at_ += kLengthBytes + length;
  return record;
}

Record event_record(const std::string& job, int attempt, const JobEvent& event) {
  Record record{.kind = "event", .data = {}, .bytes = {}};
  record.data.reserve(8);
  record.data.emplace("job", job);
  record.data.emplace("attempt", attempt);
  std::visit(Writer{record.data, record.bytes}, event);
  return record;
}

JobEvent event_of(const Record& record) {
  const json::object& data = record.data;
  const std::string name = string_or(data, "event", "");
  const auto timestamp = [&] { return int_or(data, "timestamp", 0); };
  if (name == "started") return JobStarted{timestamp(), string_or(data, "precision", "")};
  if (name == "cached") return NodesCached{texts_of(data, "nodes"), timestamp()};
  if (name == "node_started") return NodeStarted{ids_of(data)};
  if (name == "progress")
    return NodeProgress{string_or(data, "node", ""), value_of(data, "value"), value_of(data, "max"), bool_or(data, "message", true),
                        string_or(data, "format", ""), record.bytes};
  if (name == "executed") return NodeExecuted{ids_of(data), value_of(data, "output")};
  if (name == "node_finished") return NodeFinished{ids_of(data), bool_or(data, "cached", false)};
  if (name == "text") return TextSent{string_or(data, "node", ""), string_or(data, "text", "")};
  if (name == "message")
    return MessageSent{string_or(data, "type", ""), value_of(data, "data"), bool_or(data, "to_all", false), string_or(data, "sid", "")};
  if (name == "binary")
    return BinarySent{static_cast<std::uint32_t>(int_or(data, "number", 0)), record.bytes, bool_or(data, "to_all", false),
                      string_or(data, "sid", "")};
  if (name == "blocked") return NodeBlocked{object_of(data, "error")};
  if (name == "succeeded") return JobSucceeded{timestamp()};
  if (name == "failed") return JobFailed{object_of(data, "error"), timestamp()};
  if (name == "interrupted")
    return JobInterrupted{string_or(data, "node", ""), string_or(data, "node_type", ""), texts_of(data, "executed"), timestamp()};
  throw InvalidInput(fmt::format("record: no event is called \"{}\"", name.substr(0, 60)));
}

}  // namespace darkroom
