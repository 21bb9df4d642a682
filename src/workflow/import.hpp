#pragma once
// Any form of a workflow file becomes a prompt in API form (protocol.md §9.1).

#include <string_view>

#include "base/json.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

enum class WorkflowForm {
  kApi,        ///< id → {class_type, inputs}; links are `["4", 0]`. Also inside `{"prompt": …}`
  kEditor,     ///< the editor's own file, version 0.4 or 1: nodes, links, widgets_values, subgraphs
  kTextLinks,  ///< ids are words and links are texts: `"image": "load_image.image"`
};

struct ImportedWorkflow {
  json::object prompt;
  WorkflowForm form = WorkflowForm::kApi;
  json::value editor;  ///< the editor's document, for `extra_pnginfo.workflow`; null for the other forms
};

/// Reads a workflow in whatever form it is. `schemas` convert widgets_values and name outputs: the classes that the
/// workflow uses have to be in it, except for the API form, which is taken as it is.
/// Throws InvalidInput with the node and what is wrong with it, TooLarge past workflow/limits.hpp.
ImportedWorkflow read_workflow(const json::value& document, const SchemaSet& schemas);

/// Parses the text of a workflow file within the limits and reads it.
ImportedWorkflow read_workflow_text(std::string_view text, const SchemaSet& schemas);

}  // namespace darkroom
