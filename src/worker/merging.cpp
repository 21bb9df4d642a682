#include "worker/merging.hpp"

namespace darkroom {
namespace {

void append_items(List& out, const Value& value) {
  if (const List* items = value.if_list()) {
    out.insert(out.end(), items->begin(), items->end());
  } else if (const json::value* json = value.if_json(); json && json->is_array()) {
    for (const auto& item : json->get_array()) out.push_back(Value::from_json(item));
  } else if (value.blocker()) {
    out.push_back(value);
  } else {
    throw NamedError("TypeError", "'" + value.type_name() + "' object is not iterable");
  }
}

}  // namespace

CallSlots slots_of(const Outputs& outputs, const NodeSchema& schema) {
  CallSlots slots;
  if (outputs.block) {
    slots.resize(schema.outputs().size());
    for (auto& slot : slots) slot.value = *outputs.block;
    return slots;
  }
  slots.reserve(outputs.values.size());
  for (const auto& value : outputs.values) slots.push_back({value, nullptr});
  return slots;
}

std::vector<std::shared_ptr<const List>> merge_slots(const std::vector<CallSlots>& calls, const NodeSchema& schema) {
  std::vector<std::shared_ptr<const List>> merged;
  if (calls.empty()) return merged;
  const std::size_t count = calls.front().size();
  merged.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_list = i < schema.outputs().size() && schema.outputs()[i].is_list;
    List list;
    list.reserve(calls.size());
    for (const auto& call : calls) {
      if (i >= call.size()) throw NamedError("IndexError", "tuple index out of range");
      const SlotValue& slot = call[i];
      if (slot.linked) list.insert(list.end(), slot.linked->begin(), slot.linked->end());
      else if (is_list) append_items(list, slot.value);
      else list.push_back(slot.value);
    }
    merged.push_back(std::make_shared<const List>(std::move(list)));
  }
  return merged;
}

std::optional<json::object> merge_ui(const std::vector<Outputs>& calls) {
  std::optional<json::object> merged;
  for (const auto& call : calls) {
    if (!call.ui) continue;
    if (!merged) {
      merged = call.ui;
      continue;
    }
    for (auto& [key, list] : *merged) {
      const json::array* more = find_array(*call.ui, key);
      if (!more) throw NamedError("KeyError", "'" + std::string(key) + "'");
      auto& items = list.as_array();
      items.insert(items.end(), more->begin(), more->end());
    }
  }
  return merged;
}

NodeResult make_result(std::vector<std::shared_ptr<const List>> slots, const std::optional<json::object>& ui) {
  NodeResult result;
  result.slots = std::move(slots);
  if (ui) result.ui = std::make_shared<const json::object>(*ui);
  for (const auto& slot : result.slots)
    for (const auto& value : *slot) result.bytes += value.bytes();
  return result;
}

}  // namespace darkroom
