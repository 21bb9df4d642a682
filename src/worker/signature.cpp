#include "worker/signature.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/log.hpp"

namespace darkroom {
namespace {

void append_number(std::string& out, char tag, std::uint64_t bits) {
  char bytes[9];
  bytes[0] = tag;
  std::memcpy(bytes + 1, &bits, 8);
  out.append(bytes, 9);
}

void append_text(std::string& out, char tag, std::string_view text) {
  append_number(out, tag, text.size());
  out += text;
}

void append_integer(std::string& out, std::int64_t value) { append_number(out, 'i', static_cast<std::uint64_t>(value)); }

void append_unsigned(std::string& out, std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) append_integer(out, static_cast<std::int64_t>(value));
  else append_number(out, 'u', value);
}

void append_double(std::string& out, double value) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (value == std::floor(value)) {
    if (value >= -kTwo63 && value < kTwo63) return append_integer(out, static_cast<std::int64_t>(value));
    if (value >= kTwo63 && value < 2 * kTwo63) return append_unsigned(out, static_cast<std::uint64_t>(value));
  }
  std::uint64_t bits;
  std::memcpy(&bits, &value, 8);
  append_number(out, 'd', bits);
}

/// A signature that nothing else has.
Hash128 unique_signature() {
  static std::atomic<std::uint64_t> counter{0};
  std::string bytes = "unique";
  append_number(bytes, '#', ++counter);
  return hash128(bytes);
}

class Signer {
 public:
  Signer(DynamicPrompt& prompt, const Hash128& salt) : prompt_(prompt), salt_(salt) {}

  void sign(NodeIndex at) {
    PromptNode& node = prompt_[at];
    buffer_.clear();
    append_number(buffer_, 's', salt_.high);
    append_number(buffer_, 's', salt_.low);
    append_text(buffer_, 'c', node.class_name());
    bool matches = true;
    if (node.mark) {
      buffer_ += 'm';
      matches &= append_constant(buffer_, *node.mark);
    }
    if (node.node_class) {
      const NodeSchema& schema = node.node_class->schema;
      if (schema.is_not_idempotent() || schema.wants_hidden("UNIQUE_ID")) append_text(buffer_, 'n', node.given.id);
    } else {
      matches = false;
    }
    const auto& given = node.given.inputs;
    order_.resize(given.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return given[a].name < given[b].name; });
    for (const std::size_t i : order_) {
      append_text(buffer_, 'k', given[i].name);
      if (const Link* link = given[i].link()) {
        if (node.inputs[i].source == kNoNode) {
          matches = false;
          continue;
        }
        const Hash128& source = prompt_[node.inputs[i].source].signature;
        append_number(buffer_, 'l', source.high);
        append_number(buffer_, 'l', source.low);
        append_integer(buffer_, link->slot);
      } else if (node.inputs[i].held) {
        matches = false;
      } else {
        matches &= append_constant(buffer_, *given[i].constant());
      }
    }
    node.signature = matches ? hash128(buffer_) : unique_signature();
  }

 private:
  DynamicPrompt& prompt_;
  Hash128 salt_;
  std::string buffer_;
  std::vector<std::size_t> order_;
};

}  // namespace

bool append_constant(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: out += 'z'; return true;
    case json::kind::bool_: append_integer(out, value.get_bool() ? 1 : 0); return true;
    case json::kind::int64: append_integer(out, value.get_int64()); return true;
    case json::kind::uint64: append_unsigned(out, value.get_uint64()); return true;
    case json::kind::double_: append_double(out, value.get_double()); return !std::isnan(value.get_double());
    case json::kind::string: append_text(out, 't', value.get_string()); return true;
    case json::kind::array: {
      bool matches = true;
      append_number(out, 'a', value.get_array().size());
      for (const auto& item : value.get_array()) matches &= append_constant(out, item);
      return matches;
    }
    case json::kind::object: {
      bool matches = true;
      const auto& object = value.get_object();
      append_number(out, 'o', object.size());
      std::vector<const json::key_value_pair*> items;
      for (const auto& item : object) items.push_back(&item);
      std::sort(items.begin(), items.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
      for (const auto* item : items) {
        append_text(out, 'k', item->key());
        matches &= append_constant(out, item->value());
      }
      return matches;
    }
  }
  return true;
}

void set_marks(DynamicPrompt& prompt, const std::vector<NodeIndex>& nodes, const Folders& folders) {
  for (const NodeIndex at : nodes) {
    PromptNode& node = prompt[at];
    if (!node.node_class || !node.node_class->fingerprint) continue;
    if (node.given.has_is_changed) {
      node.mark = node.given.is_changed;
      continue;
    }
    Inputs constants;
    for (std::size_t i = 0; i < node.given.inputs.size(); ++i) {
      const auto& given = node.given.inputs[i];
      if (given.link()) constants.set(given.name, Value());
      else if (node.inputs[i].declared) constants.set(given.name, node.inputs[i].held ? *node.inputs[i].held : Value::from_json(*given.constant()));
    }
    json::value mark;
    try {
      mark = node.node_class->fingerprint(constants, folders);
    } catch (const std::exception& error) {
      log::warn("fingerprint of node {} ({}): {}", node.ids.node, node.class_name(), error.what());
      mark = std::numeric_limits<double>::quiet_NaN();
    }
    node.mark = json::array{std::move(mark)};
  }
}

void set_signatures(DynamicPrompt& prompt, const std::vector<NodeIndex>& nodes, const Hash128& salt) {
  enum class Visit : std::uint8_t { kOutside, kNew, kOpen, kSigned };
  std::vector<Visit> visits(prompt.size(), Visit::kOutside);
  for (const NodeIndex at : nodes) visits[at] = Visit::kNew;
  Signer signer(prompt, salt);
  std::vector<std::pair<NodeIndex, std::size_t>> path;  // a node and the next of its inputs to look at
  for (const NodeIndex start : nodes) {
    if (visits[start] != Visit::kNew) continue;
    visits[start] = Visit::kOpen;
    path.emplace_back(start, 0);
    while (!path.empty()) {
      const NodeIndex at = path.back().first;
      const auto& inputs = prompt[at].inputs;
      if (path.back().second == inputs.size()) {
        signer.sign(at);
        visits[at] = Visit::kSigned;
        path.pop_back();
        continue;
      }
      const NodeIndex source = inputs[path.back().second++].source;
      if (source == kNoNode) continue;
      if (visits[source] == Visit::kNew) {
        visits[source] = Visit::kOpen;
        path.emplace_back(source, 0);
      } else if (visits[source] == Visit::kOpen) {
        // A circle: it can't run, but its key must be harmless until that shows.
        prompt[source].signature = unique_signature();
      }
    }
  }
}

}  // namespace darkroom
