// InstructPixToPixConditioning: what a model made for edits by instruction (Brooks et al. 2023) sees of the picture.

#include <ATen/ops/zeros_like.h>

#include <utility>

#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "nodes/diffusion_values.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

class InstructPixToPixConditioning final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("InstructPixToPixConditioning", Form::kV3).module("comfy_extras.nodes_ip2p").category("conditioning/instructpix2pix")
        .input("positive", Socket{"CONDITIONING"}).input("negative", Socket{"CONDITIONING"}).input("vae", Socket{"VAE"}).input("pixels", Image{})
        .output("CONDITIONING", "positive").output("CONDITIONING", "negative").output("LATENT", "latent");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto picture = usable_vae(in)->encode(in.image("pixels"), vae_run(context));
    const auto seeing = [&](const char* name) {
      Conditioning entries = conditioning(in, name);
      for (auto& entry : entries) entry.concat_latent = picture;
      return conditioning_value(std::move(entries));
    };
    LatentObject latent;
    latent.samples = at::zeros_like(picture);
    return {seeing("positive"), seeing("negative"), latent_value(std::move(latent))};
  }
};

}  // namespace

void register_instruct_pix2pix(Registry& registry) { registry.add<InstructPixToPixConditioning>(); }

}  // namespace darkroom
