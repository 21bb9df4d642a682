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
void register_classical_nodes(Registry& registry);  // classical_nodes.cpp
void register_photo_nodes(Registry& registry);  // photo_nodes.cpp
void register_upscale_nodes(Registry& registry);  // upscale_model.cpp
void register_checkpoint_loaders(Registry& registry);      // diffusion/checkpoint_loaders.cpp
void register_clip_text_nodes(Registry& registry);         // diffusion/text_nodes.cpp
void register_clip_loaders(Registry& registry);            // diffusion/clip_loaders.cpp
void register_conditioning_nodes(Registry& registry);      // diffusion/conditioning_nodes.cpp
void register_hook_nodes(Registry& registry);              // diffusion/hook_nodes.cpp
void register_hook_conditioning_nodes(Registry& registry); // diffusion/hook_conditioning_nodes.cpp
void register_model_saving_nodes(Registry& registry);      // diffusion/model_saving_nodes.cpp
void register_instruct_pix2pix(Registry& registry);        // diffusion/instruct_pix2pix.cpp
void register_ksampler_nodes(Registry& registry);          // diffusion/ksampler_nodes.cpp
void register_guider_nodes(Registry& registry);            // diffusion/guider_nodes.cpp
void register_lora_nodes(Registry& registry);              // diffusion/lora_nodes.cpp
void register_merge_nodes(Registry& registry);             // diffusion/merge_nodes.cpp
void register_model_sampling_nodes(Registry& registry);    // diffusion/model_sampling_nodes.cpp
void register_hypernetwork_nodes(Registry& registry);      // diffusion/hypernetwork_nodes.cpp
void register_unet_patch_nodes(Registry& registry);        // diffusion/unet_patch_nodes.cpp
void register_attention_guidance_nodes(Registry& registry);  // diffusion/attention_guidance_nodes.cpp
void register_control_loaders(Registry& registry);         // diffusion/control_loaders.cpp
void register_control_nodes(Registry& registry);           // diffusion/control_nodes.cpp
void register_vision_nodes(Registry& registry);            // diffusion/vision_nodes.cpp
void register_style_nodes(Registry& registry);             // diffusion/style_nodes.cpp
void register_unclip_nodes(Registry& registry);            // diffusion/unclip_nodes.cpp
void register_gligen_nodes(Registry& registry);            // diffusion/gligen_nodes.cpp
void register_inpaint_nodes(Registry& registry);           // diffusion/inpaint_nodes.cpp
void register_guidance_nodes(Registry& registry);          // diffusion/guidance_nodes.cpp
void register_guidance_formula_nodes(Registry& registry);  // diffusion/guidance_formula_nodes.cpp
void register_token_patch_nodes(Registry& registry);       // diffusion/token_patch_nodes.cpp
void register_vae_nodes(Registry& registry);          // diffusion/vae_nodes.cpp
void register_vae_loaders(Registry& registry);        // diffusion/vae_loader.cpp
void register_sampler_nodes(Registry& registry);      // diffusion/sampler_nodes.cpp
void register_scheduler_nodes(Registry& registry);    // diffusion/scheduler_nodes.cpp
void register_sigma_nodes(Registry& registry);        // diffusion/sigma_nodes.cpp
void register_noise_nodes(Registry& registry);        // diffusion/noise_nodes.cpp

}  // namespace darkroom
