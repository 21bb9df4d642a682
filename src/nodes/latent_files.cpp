// SaveLatent and LoadLatent: latents as safetensors files.

#include <ATen/ops/empty.h>

#include "base/hash.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/image_saving.hpp"
#include "storage/folders.hpp"
#include "storage/saving.hpp"
#include "tensor/safetensors.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr const char* kSamplesKey = "latent_tensor";
/// An empty tensor that says: the samples are not scaled. Files without it were written with the scale of SD1.x.
constexpr const char* kVersionKey = "latent_format_version_0";
constexpr double kOldScale = 1.0 / 0.18215;

class SaveLatent final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SaveLatent", Form::kV1).category("_for_testing").output_node()
        .input("samples", Latent{.common = {.bare = true}}).input("filename_prefix", String{.value = "latents/ComfyUI"})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const SaveTarget target = save_target(context.folders().output, in.text_or("filename_prefix", "ComfyUI"), 0, 0);
    const std::string name = numbered(target.name, 0, target.counter, "latent");
    const at::Tensor samples = in.latent("samples")->samples.contiguous();
    write_file(target.folder / name, dump_safetensors({{kSamplesKey, samples}, {kVersionKey, at::empty({0}, at::kFloat)}}, metadata_texts(context)));
    return Outputs().show("latents", {saved_entry(name, target.subfolder, "output")});
  }
};

class LoadLatent final : public Node {
 public:
  static NodeSchema schema() {
    Combo choice = files(".latent");
    choice.must_exist = true;
    choice.common.bare = true;
    return NodeSchema("LoadLatent", Form::kV1).category("_for_testing").input("latent", choice).output(Latent{});
  }
  static json::value fingerprint(const Inputs& constants, const Folders& folders) {
    return json::value(sha256_hex_of_file(folders.annotated(constants.text("latent")).string()));
  }
  Outputs run(const Inputs& in, Context& context) override {
    const std::string& name = in.text("latent");
    const Safetensors file = read_safetensors(context.folders().annotated(name));
    const auto samples = file.tensors.find(kSamplesKey);
    if (samples == file.tensors.end()) throw InvalidInput(name + ": has no tensor '" + kSamplesKey + "'");
    LatentObject latent;
    // A copy: the file may change or go while the latent lives.
    latent.samples = samples->second.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    if (!file.tensors.contains(kVersionKey)) latent.samples.mul_(kOldScale);
    return {latent_value(std::move(latent))};
  }
};

}  // namespace

void register_latent_file_nodes(Registry& registry) {
  registry.add<SaveLatent>();
  registry.add<LoadLatent>();
}

}  // namespace darkroom
