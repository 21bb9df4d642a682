#include "nodes/all_nodes.hpp"

#include "worker/node.hpp"

namespace darkroom {

void register_all_nodes(Registry& registry) {
  register_load_image_nodes(registry);
  register_save_image_nodes(registry);
  register_create_image_nodes(registry);
  register_scale_image_nodes(registry);
  register_batch_image_nodes(registry);
  register_transform_image_nodes(registry);
  register_filter_image_nodes(registry);
  register_structure_image_nodes(registry);
  register_resize_image_nodes(registry);
  register_combine_image_nodes(registry);
  register_save_other_nodes(registry);
  register_mask_nodes(registry);
  register_compositing_nodes(registry);
  register_latent_nodes(registry);
  register_latent_advanced_nodes(registry);
  register_latent_file_nodes(registry);
  register_text_nodes(registry);
  register_regex_nodes(registry);
  register_utility_nodes(registry);
  register_dataset_text_nodes(registry);
  register_dataset_image_nodes(registry);
  register_dataset_list_nodes(registry);
  register_upscale_nodes(registry);
}

}  // namespace darkroom
