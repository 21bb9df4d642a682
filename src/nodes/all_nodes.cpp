#include "nodes/all_nodes.hpp"

#include "worker/node.hpp"

namespace darkroom {

void register_all_nodes(Registry& registry) {
  register_load_image_nodes(registry);
  register_save_image_nodes(registry);
  register_create_image_nodes(registry);
}

}  // namespace darkroom
