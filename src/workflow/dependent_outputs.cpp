#include "workflow/dependent_outputs.hpp"

#include <algorithm>
#include <iterator>

#include "workflow/limits.hpp"

namespace darkroom {
namespace {

void merge(std::vector<std::size_t>& into, const std::vector<std::size_t>& from) {
  if (from.empty() || into == from) return;
  std::vector<std::size_t> all;
  std::set_union(into.begin(), into.end(), from.begin(), from.end(), std::back_inserter(all));
  if (all.size() > limits::kMaxDependentOutputs) all.resize(limits::kMaxDependentOutputs);
  into = std::move(all);
}

}  // namespace

std::vector<std::vector<std::size_t>> dependent_outputs(std::size_t nodes, const std::vector<FollowedLink>& links, const std::vector<std::size_t>& post_order,
                                                        const std::vector<std::size_t>& failing, bool cyclic) {
  std::vector<std::vector<std::size_t>> found(nodes), sources(nodes);
  for (const auto& [consumer, source] : links) sources[consumer].push_back(source);
  for (const auto output : failing) found[output].push_back(output);
  // Carried from consumers to sources in one pass over the reversed post-order; links that close a circle need a second one.
  for (int pass = 0; pass < (cyclic ? 2 : 1); ++pass)
    for (auto consumer = post_order.rbegin(); consumer != post_order.rend(); ++consumer)
      for (const auto source : sources[*consumer]) merge(found[source], found[*consumer]);
  return found;
}

}  // namespace darkroom
