#pragma once
// What the calls of one node gave, put together into its result (protocol.md §6.4, §6.6).

#include <memory>
#include <optional>
#include <vector>

#include "worker/node.hpp"
#include "worker/result_cache.hpp"

namespace darkroom {

/// One slot of one call: a value, or all that a slot of another node holds (a link of an expansion, resolved).
struct SlotValue {
  Value value;
  std::shared_ptr<const List> linked;
};
using CallSlots = std::vector<SlotValue>;

/// The slots of a call that made no graph; all blocked when the call says so.
CallSlots slots_of(const Outputs& outputs, const NodeSchema& schema);

/// Slots over all calls: a slot that is declared a list joins the lists, any other collects one value a call.
/// Throws a TypeError for a declared list that isn't one, an IndexError for a call with fewer slots than the first.
std::vector<std::shared_ptr<const List>> merge_slots(const std::vector<CallSlots>& calls, const NodeSchema& schema);

/// ui data over all calls: for each key of the first one, the lists joined. Throws a KeyError for a later one without the key.
std::optional<json::object> merge_ui(const std::vector<Outputs>& calls);

NodeResult make_result(std::vector<std::shared_ptr<const List>> slots, const std::optional<json::object>& ui);

}  // namespace darkroom
