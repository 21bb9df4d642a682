#include "restoration/plan.hpp"

#include <algorithm>

#include "workflow/graph.hpp"

namespace darkroom::restoration {
namespace {

const ClassPart& part_of_node(const json::object& body) {
  const auto* name = find(body, "class_type");
  static const ClassPart none;
  return name && name->is_string() ? part_of(name->get_string()) : none;
}

}  // namespace

bool Plan::has_step(std::string_view source) const {
  return std::ranges::any_of(nodes, [&](const auto& entry) { return entry.second->source == source; });
}

Plan plan_of(const json::object& prompt, const std::vector<std::string>& outputs) {
  Plan plan;
  std::unordered_map<std::string, bool> seen;
  std::vector<std::string> waiting = outputs;
  while (!waiting.empty()) {
    const std::string id = std::move(waiting.back());
    waiting.pop_back();
    const auto* node = find_object(prompt, id);
    if (!node || !seen.emplace(id, true).second) continue;
    const ClassPart& part = part_of_node(*node);
    if (part.role != Role::kOther) {
      plan.nodes.emplace(id, &part);
      plan.weight += part.weight;
    }
    const auto* inputs = find_object(*node, "inputs");
    if (!inputs) continue;
    for (const auto& input : *inputs)
      if (is_link(input.value()) && input.value().get_array()[0].is_string()) waiting.emplace_back(input.value().get_array()[0].get_string());
  }
  return plan;
}

bool has_step(const json::object& prompt) {
  return std::ranges::any_of(prompt, [](const auto& entry) { return entry.value().is_object() && part_of_node(entry.value().get_object()).role == Role::kStep; });
}

}  // namespace darkroom::restoration
