#include "nodes/all_nodes.hpp"

#include "nodes/restoration.hpp"
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
  register_colorize_nodes(registry);
  register_denoise_nodes(registry);
  register_classical_nodes(registry);
  register_photo_nodes(registry);
  register_opening_nodes(registry);
  register_checkpoint_loaders(registry);
  register_clip_text_nodes(registry);
  register_clip_loaders(registry);
  register_conditioning_nodes(registry);
  register_hook_nodes(registry);
  register_hook_conditioning_nodes(registry);
  register_model_saving_nodes(registry);
  register_instruct_pix2pix(registry);
  register_ksampler_nodes(registry);
  register_guider_nodes(registry);
  register_lora_nodes(registry);
  register_merge_nodes(registry);
  register_model_sampling_nodes(registry);
  register_hypernetwork_nodes(registry);
  register_unet_patch_nodes(registry);
  register_attention_guidance_nodes(registry);
  register_control_loaders(registry);
  register_control_nodes(registry);
  register_vision_nodes(registry);
  register_style_nodes(registry);
  register_unclip_nodes(registry);
  register_gligen_nodes(registry);
  register_inpaint_nodes(registry);
  register_guidance_nodes(registry);
  register_guidance_formula_nodes(registry);
  register_token_patch_nodes(registry);
  register_vae_nodes(registry);
  register_vae_loaders(registry);
  register_sampler_nodes(registry);
  register_scheduler_nodes(registry);
  register_sigma_nodes(registry);
  register_noise_nodes(registry);
}

}  // namespace darkroom
