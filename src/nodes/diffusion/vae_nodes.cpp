// VAEDecode and VAEEncode, whole and in tiles: between latents and pictures. EmptySD3LatentImage: a latent without a picture.

#include <ATen/ops/zeros.h>

#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "nodes/limits.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// The latent, if its picture is one that may be made.
std::shared_ptr<const LatentObject> latent_for(const Inputs& in, const Vae& vae) {
  auto latent = in.latent("samples");
  const auto& samples = latent->samples;
  const auto scale = vae.info().downscale;
  if (samples.dim() == 4) check_tensor_size("samples", {samples.size(0), samples.size(2) * scale, samples.size(3) * scale, vae.info().image_channels});
  return latent;
}

Value latent_of(at::Tensor samples) {
  LatentObject latent;
  latent.samples = std::move(samples);
  return latent_value(std::move(latent));
}

class VAEDecode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("VAEDecode", Form::kV1).category("latent").display_name("VAE Decode").description("Makes pictures of latents.")
        .input("samples", Latent{.common = {.tooltip = "The latents to decode."}})
        .input("vae", Socket{"VAE", {.tooltip = "The VAE that decodes them."}})
        .output("IMAGE", "", false, "The pictures.");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vae = usable_vae(in);
    return {tensor_value(vae->decode(latent_for(in, *vae)->samples, vae_run(context)))};
  }
};

class VAEEncode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("VAEEncode", Form::kV1).category("latent").display_name("VAE Encode")
        .input("pixels", bare("IMAGE")).input("vae", bare("VAE")).output(Latent{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vae = usable_vae(in);
    return {latent_of(vae->encode(in.image("pixels"), vae_run(context)))};
  }
};

/// Sizes of tiles as both tiled nodes declare them. The temporal ones are for videos.
NodeSchema with_tiles(NodeSchema schema, int step) {
  return schema.input("tile_size", Int{.value = 512, .min = 64, .max = 4096, .step = step})
      .input("overlap", Int{.value = 64, .min = 0, .max = 4096, .step = 32})
      .input("temporal_size", Int{.value = 64, .min = 8, .max = 4096, .step = 4, .common = {.tooltip = "Frames at a time; for video models only."}})
      .input("temporal_overlap", Int{.value = 8, .min = 4, .max = 4096, .step = 4, .common = {.tooltip = "Frames that two parts share; for video models only."}});
}

class VAEDecodeTiled final : public Node {
 public:
  static NodeSchema schema() {
    return with_tiles(NodeSchema("VAEDecodeTiled", Form::kV1).category("_for_testing").display_name("VAE Decode (Tiled)")
                          .input("samples", bare("LATENT")).input("vae", bare("VAE")), 32)
        .output(Image{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vae = usable_vae(in);
    VaeTiles tiles{.tile = in.integer("tile_size"), .overlap = in.integer("overlap")};
    if (tiles.overlap > tiles.tile / 4) tiles.overlap = tiles.tile / 4;
    return {tensor_value(vae->decode_tiled(latent_for(in, *vae)->samples, tiles, vae_run(context)))};
  }
};

class VAEEncodeTiled final : public Node {
 public:
  static NodeSchema schema() {
    return with_tiles(NodeSchema("VAEEncodeTiled", Form::kV1).category("_for_testing").display_name("VAE Encode (Tiled)")
                          .input("pixels", bare("IMAGE")).input("vae", bare("VAE")), 64)
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context& context) override {
    const VaeTiles tiles{.tile = in.integer("tile_size"), .overlap = in.integer("overlap")};
    return {latent_of(usable_vae(in)->encode_tiled(in.image("pixels"), tiles, vae_run(context)))};
  }
};

/// An empty latent of 16 channels. A model of 4 channels takes it as its own, since it is all zero.
class EmptySD3LatentImage final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("EmptySD3LatentImage", Form::kV3).module("comfy_extras.nodes_sd3").category("latent/sd3")
        .input("width", Int{.value = 1024, .min = 16, .max = kMaxResolution, .step = 16})
        .input("height", Int{.value = 1024, .min = 16, .max = kMaxResolution, .step = 16})
        .input("batch_size", Int{.value = 1, .min = 1, .max = 4096})
        .output(Latent{});
  }
  Outputs run(const Inputs& in, Context&) override {
    constexpr std::int64_t kChannels = 16, kPixelsPerLatent = 8;
    const std::int64_t height = in.integer("height") / kPixelsPerLatent, width = in.integer("width") / kPixelsPerLatent, batch = in.integer("batch_size");
    check_tensor_size("width, height, batch_size", {batch, kChannels, height, width});
    return {latent_of(at::zeros({batch, kChannels, height, width}, at::kFloat))};
  }
};

}  // namespace

void register_vae_nodes(Registry& registry) {
  registry.add<VAEDecode>();
  registry.add<VAEEncode>();
  registry.add<VAEDecodeTiled>();
  registry.add<VAEEncodeTiled>();
  registry.add<EmptySD3LatentImage>();
}

}  // namespace darkroom
