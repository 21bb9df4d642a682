#pragma once
// Every node class that comes with Darkroom. A family has one function; a new family adds its line here and in all_nodes.cpp.

namespace darkroom {

class Registry;

void register_all_nodes(Registry& registry);

void register_load_image_nodes(Registry& registry);    // load_image.cpp
void register_save_image_nodes(Registry& registry);    // save_image.cpp
void register_create_image_nodes(Registry& registry);  // create_image.cpp
void register_scale_image_nodes(Registry& registry);      // scale_image.cpp
void register_batch_image_nodes(Registry& registry);      // batch_image.cpp
void register_transform_image_nodes(Registry& registry);  // transform_image.cpp
void register_filter_image_nodes(Registry& registry);     // filter_image.cpp
void register_structure_image_nodes(Registry& registry);  // structure_image.cpp
void register_resize_image_nodes(Registry& registry);     // resize_image.cpp
void register_combine_image_nodes(Registry& registry);    // combine_image.cpp
void register_save_other_nodes(Registry& registry);       // save_other.cpp
void register_mask_nodes(Registry& registry);             // mask_nodes.cpp
void register_compositing_nodes(Registry& registry);      // compositing_nodes.cpp
void register_latent_nodes(Registry& registry);           // latent_nodes.cpp
void register_latent_advanced_nodes(Registry& registry);  // latent_advanced_nodes.cpp
void register_latent_file_nodes(Registry& registry);      // latent_files.cpp
void register_text_nodes(Registry& registry);             // text_nodes.cpp
void register_regex_nodes(Registry& registry);            // regex_nodes.cpp
void register_utility_nodes(Registry& registry);          // utility_nodes.cpp
void register_dataset_text_nodes(Registry& registry);     // dataset_text_nodes.cpp
void register_dataset_image_nodes(Registry& registry);    // dataset_image_nodes.cpp
void register_dataset_list_nodes(Registry& registry);     // dataset_list_nodes.cpp
void register_upscale_nodes(Registry& registry);  // upscale_model.cpp

}  // namespace darkroom
