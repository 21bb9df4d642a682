#pragma once
// C++ twins of tests/data/observed/nodes/probe_pack: ProbeMake and ProbeList give any value into a graph, ProbeDump tells what
// a slot gave. Values are written as in the README there.

#include "worker/node.hpp"

namespace darkroom {

void register_probe_nodes(Registry& registry);

/// Differences of two encoded values, numbers by `tolerance` relative to the wanted one (and absolute below 1); "" when equal.
std::string difference(const json::value& got, const json::value& wanted, double tolerance);

}  // namespace darkroom
