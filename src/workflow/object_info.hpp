#pragma once
// Node schemas out of a server's GET /object_info (protocol.md §10): what a client needs to read an editor's file.

#include "workflow/schema.hpp"

namespace darkroom {

/// All classes of a reply of /object_info. File lists become fixed ones, as they were when it was asked; a class whose
/// description is malformed is left out. Throws InvalidInput when the reply is no object.
SchemaSet read_object_info(const json::value& reply);

/// The same out of the reply's text. Some classes give limits beyond 64 bits (-2^64+1): these are rounded.
SchemaSet read_object_info_text(std::string_view text);

/// One `[type, options]` as an input; the inverse of NodeSchema::spec_json().
InputSpec read_input_spec(std::string name, Section section, const json::value& shown);

}  // namespace darkroom
