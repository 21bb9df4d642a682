#pragma once
// C++ twins of the pack of the recorded exchanges (tests/data/transcripts/nodes): the same classes, inputs, outputs and
// behaviour, so that the recordings can be played against a server without Python. One function a file.

#include <string>
#include <string_view>

#include "worker/node.hpp"

namespace darkroom {

void register_rt_values(Registry& registry);
void register_rt_outputs(Registry& registry);
void register_rt_validation(Registry& registry);
void register_rt_running(Registry& registry);
void register_rt_growing(Registry& registry);
void register_rt_v3(Registry& registry);
void register_misbehaving_nodes(Registry& registry);

/// An input written as /object_info shows it: `rt_input("INT", R"({"default": 0})")`, options in their order.
/// Without options it is shown as `["TYPE"]`.
InputSpec rt_input(std::string type, std::string_view options = "");
/// A choice in the old form: the list stands where the type would.
InputSpec rt_choice(json::array choices, std::string_view options = "");
/// A choice in the new form; its options hold "options".
InputSpec rt_combo(std::string_view options);
/// The pack's optional `tag`, which keeps one case off the cache of another.
InputSpec rt_tag();
InputSpec rt_optional(InputSpec spec);

NodeSchema rt_schema(std::string name, std::string category);

/// The pack's text_of(): scalars as Python's str() has them, anything else as the name of its type.
std::string rt_text(const Value& value);

}  // namespace darkroom
