#pragma once
// Edits of a prompt by hand: `6.text=a cat`, `Positive.text=…`, `KSampler.steps=20`; and its seeds.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "workflow/schema.hpp"

namespace darkroom {

/// The id of the node that `name` means: its id, else its title (`_meta.title`), else its class; titles and classes in any case, and only
/// where exactly one node has it. Throws InvalidInput for an unknown or ambiguous name; the text lists candidates.
std::string find_node(const json::object& prompt, std::string_view name);

/// Applies one `TARGET.INPUT=VALUE`. TARGET is a node as find_node() finds it. Without a dot (`text=…`) the only node that has such an
/// input is meant. VALUE becomes what the input's declaration says: a text for STRING and choices (as it stands), numbers and booleans
/// parsed
/// ("true", "yes", "on", "1"); without `schema` JSON where it parses, else a text. A VALUE `[…]` for an input that only a link
/// can feed is a link `["4", 0]`.
/// Throws InvalidInput for an unknown or ambiguous target, an unknown input or a value that doesn't fit; the text lists candidates.
void apply_edit(json::object& prompt, std::string_view edit, const SchemaSet* schemas = nullptr);

/// Sets every constant `seed` and `noise_seed` of the prompt to `seed`. Returns how many there were.
std::size_t set_seeds(json::object& prompt, std::uint64_t seed);

/// Gives every constant `seed` and `noise_seed` a number of its own. Returns what was set, "node.input" → value.
/// Numbers stay below 2^53, so that every reader of JSON gets them exactly.
json::object randomize_seeds(json::object& prompt, const std::function<std::uint64_t()>& random);

}  // namespace darkroom
