#pragma once
// Which outputs a faulty node spoils: `dependent_outputs` of a validation report (protocol.md §5.2).

#include <cstddef>
#include <vector>

namespace darkroom {

/// A link that validation followed, by the indices of its nodes.
struct FollowedLink {
  std::size_t consumer, source;
};

/// For each of `nodes` nodes the failing outputs that really depend on it, ascending, at most kMaxDependentOutputs of them.
/// `post_order`: sources before their consumers. `cyclic`: there are circles among the links.
std::vector<std::vector<std::size_t>> dependent_outputs(std::size_t nodes, const std::vector<FollowedLink>& links, const std::vector<std::size_t>& post_order,
                                                        const std::vector<std::size_t>& failing, bool cyclic);

}  // namespace darkroom
