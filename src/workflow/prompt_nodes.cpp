#include "workflow/prompt_nodes.hpp"

#include <fmt/format.h>

#include "workflow/dynamic_inputs.hpp"
#include "workflow/limits.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {
namespace {

json::object refuse(std::string message, std::string details) { return validation::error("invalid_prompt", message, std::move(details)); }

}  // namespace

std::optional<json::object> PromptNodes::read() {
  if (prompt_.size() > limits::kMaxNodes)
    return refuse(fmt::format("The prompt has too many nodes: at most {} are taken.", limits::kMaxNodes), fmt::format("{} nodes", prompt_.size()));
  nodes.reserve(prompt_.size());
  index.reserve(prompt_.size());
  for (auto& item : prompt_)
    if (auto fault = read_node(item.key(), item.value())) return fault;
  return std::nullopt;
}

std::optional<json::object> PromptNodes::read_node(std::string_view id, json::value& value) {
  if (id.size() > limits::kMaxNodeIdBytes)
    return refuse(fmt::format("A node id is longer than {} bytes.", limits::kMaxNodeIdBytes), fmt::format("Node ID '#{}...'", id.substr(0, 40)));
  auto* body = value.if_object();
  if (!body) return refuse("Cannot execute because a node is not an object.", fmt::format("Node ID '#{}'", id));
  const auto* node_class = body->if_contains("class_type");
  if (!node_class) return validation::missing_class_type(id);
  const auto* name = node_class->if_string();
  const NodeSchema* schema = name ? schemas_.find(*name) : nullptr;
  if (!schema) return validation::unknown_class(id, *node_class);
  if (const auto* inputs = find_object(*body, "inputs"); inputs && inputs->size() > limits::kMaxInputsPerNode)
    return refuse(fmt::format("A node has too many inputs: at most {} are taken.", limits::kMaxInputsPerNode),
                  fmt::format("Node ID '#{}': {} inputs", id, inputs->size()));
  index.emplace(id, nodes.size());
  nodes.push_back({id, body, &plan_of(*schema)});
  return std::nullopt;
}

const ClassPlan& PromptNodes::plan_of(const NodeSchema& schema) {
  const auto [at, is_new] = plans_.try_emplace(&schema);
  ClassPlan& plan = at->second;
  if (is_new) {
    plan.schema = &schema;
    plan.dynamic = has_dynamic_inputs(schema);
    for (const Section section : {Section::kRequired, Section::kOptional})
      for (const auto& input : schema.inputs())
        if (input.section == section) plan.inputs.push_back(&input);
  }
  return plan;
}

}  // namespace darkroom
