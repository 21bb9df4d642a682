#pragma once
#include "worker/node.hpp"

namespace darkroom {
void register_misbehaving_nodes(Registry& registry);
}
