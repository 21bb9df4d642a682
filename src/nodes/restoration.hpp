#pragma once
// The families of nodes that restore photographs.

namespace darkroom {

class Registry;

void register_colorize_nodes(Registry& registry);  // colorize.cpp
void register_denoise_nodes(Registry& registry);   // denoise.cpp
void register_opening_nodes(Registry& registry);   // restore_models.cpp

}  // namespace darkroom
