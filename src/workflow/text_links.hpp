#pragma once
// The form with words for ids and texts for links: `"upscale": {"class_type": "ImageScale", "inputs": {"image": "load_image.image"}}`.

#include "base/json.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// Nodes given as a list with "id", or as an object, as an object. Throws InvalidInput for a node without an id or one given twice.
json::object nodes_by_id(const json::value& nodes);

/// Does a document of nodes use texts as links, "type" for "class_type", or values of widgets in a row? An ordinary API prompt does neither.
bool has_text_links(const json::object& nodes, const SchemaSet& schemas);

/// The prompt in API form. A text is a link when it is `id.output`, where `id` is a node of the document and `output` one of
/// its output names or types (any case) or slot numbers; for an input that takes no text anyway (IMAGE, MODEL …) also
/// `id` alone, the first output. A text input is a link only by an output name whose type fits.
/// `widgets_values` of a node are dealt out as the editor does it, to inputs that the node does not give.
/// Throws InvalidInput when such a link names an output that is not there.
json::object read_text_links(const json::object& nodes, const SchemaSet& schemas);

}  // namespace darkroom
