#pragma once
// Keys of the result cache (protocol.md §7.1, §7.2): 128-bit hashes, one pass over the graph, sources before their users.
// A key holds the class, the fingerprint's mark, the inputs sorted by name (links by the key of their source) and the node's
// own id only where it matters, so that renaming ids keeps the cache and equal nodes share one result.

#include <vector>

#include "base/hash.hpp"
#include "worker/dynamic_prompt.hpp"

namespace darkroom {

class Folders;

/// Sets `mark` of the nodes whose class has a fingerprint; a mark that came with the prompt counts instead.
/// A fingerprint that throws gives NaN, which never matches.
void set_marks(DynamicPrompt& prompt, const std::vector<NodeIndex>& nodes, const Folders& folders);

/// Sets `signature` of `nodes`; links to other nodes use the signatures that these have already. A NaN in a node, a link to
/// nowhere or a circle gives a signature that matches nothing, and so do the nodes below it. `salt` keeps the results of
/// made nodes apart from everybody else's: the signature of the node that turned into them.
void set_signatures(DynamicPrompt& prompt, const std::vector<NodeIndex>& nodes, const Hash128& salt = {});

/// Appends a canonical form of a constant: 1, 1.0 and true are equal, and so are objects with other key orders.
/// Returns false when there is a NaN in it.
bool append_constant(std::string& out, const json::value& value);

}  // namespace darkroom
