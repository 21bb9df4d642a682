#pragma once
// Every node class that comes with Darkroom. A family has one function; a new family adds its line here and in all_nodes.cpp.

namespace darkroom {

class Registry;

void register_all_nodes(Registry& registry);

void register_load_image_nodes(Registry& registry);    // load_image.cpp
void register_save_image_nodes(Registry& registry);    // save_image.cpp
void register_create_image_nodes(Registry& registry);  // create_image.cpp
void register_mask_nodes(Registry& registry);
void register_compositing_nodes(Registry& registry);
void register_latent_nodes(Registry& registry);
void register_text_nodes(Registry& registry);
void register_dataset_nodes(Registry& registry);
void register_utility_nodes(Registry& registry);
void register_upscale_nodes(Registry& registry);  // upscale_model.cpp

}  // namespace darkroom
