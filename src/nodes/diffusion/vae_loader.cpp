// VAELoader and VAESave: autoencoders out of files and into them.

#include "base/error.hpp"
#include "diffusion/latent_format.hpp"
#include "diffusion/vae.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/image_saving.hpp"
#include "nodes/model_files.hpp"
#include "storage/folders.hpp"
#include "storage/saving.hpp"
#include "storage/unlisted_models.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/safetensors.hpp"
#include "worker/node.hpp"

namespace darkroom {

template <>
std::string VaeValue::describe() const {
  return "<" + held->info().architecture + " VAE>";
}

template <>
std::size_t VaeValue::bytes() const { return held->bytes(); }

namespace {

Weights weights_of(const std::filesystem::path& file) { return Weights(std::make_shared<const StateDict>(load_checkpoint(file))); }

std::shared_ptr<const Vae> open_vae(const std::filesystem::path& file, const Compute& compute) {
  const auto weights = weights_of(file);
  return opened(file, [&] {
    if (auto vae = load_vae(weights, compute)) return vae;
    if (!weights.has_below("taesd_decoder.") && !weights.has_below("taesd_encoder.")) throw InvalidInput("the file has no VAE of a known kind");
    const auto encoder = weights.below("taesd_encoder."), decoder = weights.below("taesd_decoder.");
    const auto scale = weights.has("vae_scale") ? weights.raw("vae_scale").to(at::kDouble).reshape({-1})[0].item<double>() : sd15_latents().scale;
    return load_taesd(weights.has_below("taesd_encoder.") ? &encoder : nullptr, weights.has_below("taesd_decoder.") ? &decoder : nullptr, scale, compute);
  });
}

/// One of the small autoencoders of vae_approx: both halves.
std::shared_ptr<const Vae> open_taesd(const TaesdFiles& files, const Folders& folders, const Compute& compute) {
  const auto encoder = folders.find_model("vae_approx", files.encoder), decoder = folders.find_model("vae_approx", files.decoder);
  if (!encoder || !decoder) throw NotFound("Model in folder 'vae_approx' with filename '" + (encoder ? files.decoder : files.encoder) + "' not found.");
  const auto encoder_weights = weights_of(*encoder), decoder_weights = weights_of(*decoder);
  const auto scale = files.name == sdxl_latents().taesd ? sdxl_latents().scale : sd15_latents().scale;
  try {
    return load_taesd(&encoder_weights, &decoder_weights, scale, compute);
  } catch (const InvalidInput& error) {
    throw InvalidInput(files.name + ": " + error.what());
  }
}

class VAELoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("VAELoader", Form::kV1).category("loaders").display_name("Load VAE").input("vae_name", bare(models("vae"))).output("VAE");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto& name = in.choice("vae_name");
    if (name == kPixelSpace) return {held_value(pixel_space_vae())};
    const auto compute = convolution_compute_of(context);
    if (const auto taesd = find_taesd(name, context.folders())) return {held_value(open_taesd(*taesd, context.folders(), compute))};
    return {held_value(model_files<Vae>(context, "vaes")->get(model_file(context, "vae", name), compute, [&](const auto& file) { return open_vae(file, compute); }))};
  }
};

/// Writes the VAE alone, float32, with the workflow inside.
class VAESave final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("VAESave", Form::kV1).module("comfy_extras.nodes_model_merging").category("advanced/model_merging").output_node()
        .input("vae", bare("VAE")).input("filename_prefix", String{.value = "vae/ComfyUI_vae"})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vae = usable_vae(in);
    const SaveTarget target = save_target(context.folders().output, in.text_or("filename_prefix", "vae/ComfyUI_vae"), 0, 0);
    std::vector<std::pair<std::string, at::Tensor>> tensors;
    for (const auto& [name, tensor] : vae->state_dict()) tensors.emplace_back(name, tensor.is_floating_point() ? tensor.to(at::kFloat) : tensor);
    write_file(target.folder / numbered(target.name, 0, target.counter, "safetensors"), dump_safetensors(tensors, metadata_texts(context)));
    return {};
  }
};

}  // namespace

void register_vae_loaders(Registry& registry) {
  registry.add<VAELoader>();
  registry.add<VAESave>();
}

}  // namespace darkroom
