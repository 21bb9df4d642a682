#pragma once
// The editor's own file (protocol.md §9.2, versions 0.4 and 1) as a prompt, the way the editor itself makes one: muted nodes
// left out, bypassed ones rewired by type, Reroute and PrimitiveNode resolved, subgraphs flattened to ids like `12:3`.

#include "base/json.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// Throws InvalidInput for a document that is damaged, TooLarge past the limits. A node of an unknown class keeps its links and
/// what its widgets can be told apart by; validation names the class.
json::object read_editor_form(const json::object& document, const SchemaSet& schemas);

}  // namespace darkroom
