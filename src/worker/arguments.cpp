#include "worker/arguments.hpp"

#include <algorithm>

namespace darkroom {
namespace {

/// Longest Python text of one value in `current_inputs`: a hidden PROMPT may be megabytes.
/// Bytes of what is said of a value that JSON has no form for.
constexpr std::size_t kDescriptionBytes = 4096;

/// Values below dotted names, on their way to becoming dicts.
struct Group {
  std::vector<std::pair<std::string, Value>> values;
  std::vector<std::pair<std::string, std::unique_ptr<Group>>> groups;

  Group& group(const std::string& name) {
    for (auto& [key, group] : groups)
      if (key == name) return *group;
    return *groups.emplace_back(name, std::make_unique<Group>()).second;
  }
  Value dict() && {
    for (auto& [key, group] : groups) values.emplace_back(key, std::move(*group).dict());
    return Value::dict(std::move(values));
  }
};

json::value description(const Value& value) {
  if (value.is_none() || value.is_number() || value.is_string()) return *value.to_json();
  std::string text = value.describe();
  if (text.size() > kDescriptionBytes) {
    std::size_t end = kDescriptionBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a UTF-8 sequence
    text.resize(end);
    text += "...";
  }
  return json::value(text);
}

}  // namespace

void Arguments::add(std::string name, Value value, bool shown) {
  List list;
  list.push_back(std::move(value));
  items_.push_back({std::move(name), std::make_shared<const List>(std::move(list)), nullptr, shown});
}

std::size_t Arguments::longest() const {
  std::size_t most = 0;
  for (const auto& item : items_) most = std::max(most, item.values->size());
  return most;
}

std::size_t Arguments::calls(bool takes_lists) const { return takes_lists ? 1 : std::max<std::size_t>(1, longest()); }

Inputs Arguments::call(std::size_t k, bool takes_lists) const {
  Inputs inputs;
  if (!takes_lists && longest() == 0) return inputs;
  Group nested;
  for (const auto& item : items_) {
    if (!takes_lists && item.values->empty()) throw NamedError("IndexError", "list index out of range");
    Value value = takes_lists ? Value::list(*item.values) : (*item.values)[std::min(k, item.values->size() - 1)];
    if (!item.path || item.path->size() < 2) {
      inputs.set(item.name, std::move(value));
      continue;
    }
    Group* group = &nested;
    for (std::size_t i = 0; i + 1 < item.path->size(); ++i) group = &group->group((*item.path)[i]);
    group->values.emplace_back(item.path->back(), std::move(value));
  }
  for (auto& [name, group] : nested.groups) inputs.set(name, std::move(*group).dict());
  return inputs;
}

const Blocker* Arguments::blocker(std::size_t k, bool takes_lists) const {
  for (const auto& item : items_) {
    if (item.values->empty()) continue;
    if (takes_lists) {
      for (const auto& value : *item.values)
        if (const Blocker* blocker = value.blocker()) return blocker;
    } else if (const Blocker* blocker = (*item.values)[std::min(k, item.values->size() - 1)].blocker()) {
      return blocker;
    }
  }
  return nullptr;
}

json::object Arguments::describe() const {
  json::object out;
  for (const auto& item : items_) {
    if (!item.shown) continue;
    json::array values;
    for (const auto& value : *item.values) values.push_back(description(value));
    out[item.name] = std::move(values);
  }
  return out;
}

}  // namespace darkroom
