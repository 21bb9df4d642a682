#include "workflow/import.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "workflow/editor_form.hpp"
#include "workflow/limits.hpp"
#include "workflow/text_links.hpp"

namespace darkroom {
namespace {

/// The editor writes `inputs` as lists and links beside the nodes; the other forms never do, but may have values of widgets.
bool is_editor_form(const json::object& document) {
  const auto* nodes = find_array(document, "nodes");
  if (!nodes) return false;
  if (find_array(document, "links")) return true;
  const auto by_name = [](const json::value& value) { return value.is_object() && find_object(value.get_object(), "inputs"); };
  if (std::any_of(nodes->begin(), nodes->end(), by_name)) return false;
  return std::any_of(nodes->begin(), nodes->end(), [](const json::value& value) {
    const auto* node = value.if_object();
    return node && (node->contains("widgets_values") || find_array(*node, "inputs") || find_array(*node, "outputs"));
  });
}

bool is_api_node(const json::value& value) {
  const auto* node = value.if_object();
  return node && (node->contains("class_type") || node->contains("type"));
}

void check_size(const json::object& prompt) {
  if (prompt.size() > limits::kMaxNodes)
    throw TooLarge(fmt::format("workflow: {} nodes are more than the limit of {}", prompt.size(), limits::kMaxNodes));
  for (const auto& [id, node] : prompt) {
    if (id.size() > limits::kMaxNodeIdBytes) throw TooLarge(fmt::format("workflow: a node id is longer than {} bytes", limits::kMaxNodeIdBytes));
    const auto* object = node.if_object();
    const auto* inputs = object ? find_object(*object, "inputs") : nullptr;
    if (inputs && inputs->size() > limits::kMaxInputsPerNode)
      throw TooLarge(fmt::format("workflow: node {} has {} inputs, more than the limit of {}", std::string_view(id), inputs->size(), limits::kMaxInputsPerNode));
  }
}

ImportedWorkflow read(const json::object& document, const SchemaSet& schemas) {
  if (const auto* wrapped = find_object(document, "prompt"); wrapped && !is_api_node(*wrapped)) return read(*wrapped, schemas);
  if (is_editor_form(document)) return {read_editor_form(document, schemas), WorkflowForm::kEditor, document};
  const auto* listed = document.if_contains("nodes");
  if (listed && (listed->is_array() || (listed->is_object() && !is_api_node(*listed))))
    return {read_text_links(nodes_by_id(*listed), schemas), WorkflowForm::kTextLinks, nullptr};
  if (document.empty()) throw InvalidInput("workflow: it has no nodes");
  for (const auto& [id, node] : document)
    if (!is_api_node(node))
      throw InvalidInput(fmt::format("workflow: \"{}\" is no node; expected the API form (id → {{\"class_type\", \"inputs\"}}) or the editor's form (\"nodes\", \"links\")",
                                     std::string_view(id).substr(0, 80)));
  if (has_text_links(document, schemas)) return {read_text_links(document, schemas), WorkflowForm::kTextLinks, nullptr};
  return {document, WorkflowForm::kApi, nullptr};
}

}  // namespace

ImportedWorkflow read_workflow(const json::value& document, const SchemaSet& schemas) {
  const auto* object = document.if_object();
  if (!object) throw InvalidInput("workflow: expected a JSON object");
  ImportedWorkflow workflow = read(*object, schemas);
  check_size(workflow.prompt);
  return workflow;
}

ImportedWorkflow read_workflow_text(std::string_view text, const SchemaSet& schemas) {
  return read_workflow(parse_json(text, {.max_bytes = limits::kMaxWorkflowBytes, .max_depth = limits::kMaxWorkflowDepth}), schemas);
}

}  // namespace darkroom
