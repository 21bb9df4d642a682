#pragma once
// The values of a node's widgets: `widgets_values` follows the declared inputs that have a widget, with one more value after each
// that has a control ("randomize", …) (protocol.md §9.2).

#include <optional>

#include "workflow/editor_graph.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// Does the editor show a widget for this input (rather than a socket only)?
bool has_widget(const InputSpec& input);

/// Input name → value, in the editor's order. A widget past the end of the saved values has its default.
/// `schema` may be null for an unknown class: then the names come from the node's own inputs.
json::object widget_values(const EditorNode& node, const NodeSchema* schema);

/// The value that a subgraph's instance shows for one of its own inputs. Nothing when it shows none: the inner widget's value counts.
std::optional<json::value> instance_widget(const EditorNode& instance, const std::string& input);

}  // namespace darkroom
