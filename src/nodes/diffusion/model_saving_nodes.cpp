// CheckpointSave, ModelSave and CLIPSave: models with all that a graph has changed about their weights, as files of the output folder.

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/zeros.h>

#include "diffusion/clip_names.hpp"
#include "diffusion/diffusion_model.hpp"
#include "diffusion/vae.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vae_run.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/image_saving.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"
#include "storage/saving.hpp"
#include "tensor/safetensors.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

/// What is written: UNets and VAEs in the precision that the CPU computes in, text encoders in the one that they are held in.
struct SavedTensors {
  std::vector<TensorEntry> entries;
  std::map<std::string, std::function<at::Tensor()>> make;

  void add(NamedTensor tensor) {
    entries.push_back({tensor.name, tensor.dtype, std::move(tensor.shape)});
    make.emplace(std::move(tensor.name), std::move(tensor.make));
  }
};

/// Writes them one after the other, so that no more than one is in memory. `metadata` gets the file's name without number, and the number.
template <class MakeMetadata>
void save(const std::string& prefix, SavedTensors tensors, MakeMetadata metadata, Context& context) {
  const SaveTarget target = save_target(context.folders().output, prefix, 0, 0);
  PartFile file(target.folder);
  file.write(safetensors_head(tensors.entries, metadata(target.name, target.counter)));
  for (const auto& entry : tensors.entries) {
    context.check();
    const auto tensor = tensors.make.at(entry.name)().to(at::kCPU, entry.dtype).contiguous();
    file.write({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
  }
  file.replace(target.folder / numbered(target.name, 0, target.counter, "safetensors"));
}

bool is_of_unet(std::string_view name) {
  static constexpr std::string_view kParts[] = {"input_blocks.", "middle_block.", "output_blocks.", "time_embed.", "label_emb.", "out."};
  return std::ranges::any_of(kParts, [name](std::string_view part) { return name.starts_with(part); });
}

void add_unet(const DiffusionModel& model, SavedTensors& into) {
  const auto weights = model.network->weights();
  weights.each([&](const std::string& name, const at::Tensor& tensor) {
    if (!is_of_unet(name)) return;
    into.add({"model.diffusion_model." + name, at::kFloat, tensor.sizes().vec(), [weights, name] {
                auto weight = weights.get(name).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
                weights.release(name);
                return weight;
              }});
  });
  // Empty tensors that say to loaders what the weights were made for.
  const auto mark = [&into](const char* name) { into.add({name, at::kFloat, {0}, [] { return at::zeros({0}, at::kFloat); }}); };
  if (model.config().prediction == Prediction::kV) mark("v_pred");
  if (model.config().zero_terminal_snr) mark("ztsnr");
}

void add_vae(const Vae& vae, SavedTensors& into) {
  for (const auto& [name, tensor] : vae.state_dict())
    into.add({"first_stage_model." + name, tensor.is_floating_point() ? at::kFloat : tensor.scalar_type(), tensor.sizes().vec(), [tensor] { return tensor; }});
}

/// The workflow, and what the model is in the words of the model specification (Stability AI, "sai_model_spec").
auto metadata_of(const DiffusionModel& model, const Context& context) {
  return [&model, &context](const std::string& name, int counter) {
    auto metadata = metadata_texts(context);
    const auto& config = model.config();
    if (config.family == Family::kSDXL || config.family == Family::kSDXLRefiner) {
      metadata.emplace_back("modelspec.sai_model_spec", "1.0.0");
      metadata.emplace_back("modelspec.implementation", "sgm");
      metadata.emplace_back("modelspec.title", name + " " + std::to_string(counter));
      metadata.emplace_back("modelspec.architecture", config.family == Family::kSDXL ? "stable-diffusion-xl-v1-base" : "stable-diffusion-xl-v1-refiner");
    }
    metadata.emplace_back("modelspec.predict_key", config.prediction == Prediction::kV ? "v" : "epsilon");
    return metadata;
  };
}

NodeSchema saving(const char* name, const char* display_name) {
  return NodeSchema(name, Form::kV1).module("comfy_extras.nodes_model_merging").category("advanced/model_merging").display_name(display_name).output_node();
}

NodeSchema with_prefix(NodeSchema schema, const char* prefix) {
  return schema.input("filename_prefix", String{.value = prefix}).hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
}

class CheckpointSave final : public Node {
 public:
  static NodeSchema schema() {
    return with_prefix(saving("CheckpointSave", "Save Checkpoint").input("model", bare("MODEL")).input("clip", bare("CLIP")).input("vae", bare("VAE")), "checkpoints/ComfyUI");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<ModelValue>("model")->held;
    SavedTensors tensors;
    add_unet(*model, tensors);
    for (auto& tensor : checkpoint_text_encoders(clip_input(in))) tensors.add(std::move(tensor));
    add_vae(*usable_vae(in), tensors);
    save(in.text_or("filename_prefix", "checkpoints/ComfyUI"), std::move(tensors), metadata_of(*model, context), context);
    return {};
  }
};

class ModelSave final : public Node {
 public:
  static NodeSchema schema() { return with_prefix(saving("ModelSave", "ModelSave").input("model", bare("MODEL")), "diffusion_models/ComfyUI"); }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<ModelValue>("model")->held;
    SavedTensors tensors;
    add_unet(*model, tensors);
    save(in.text_or("filename_prefix", "diffusion_models/ComfyUI"), std::move(tensors), metadata_of(*model, context), context);
    return {};
  }
};

/// A file for each text encoder, which says so in its name.
class CLIPSave final : public Node {
 public:
  static NodeSchema schema() { return with_prefix(saving("CLIPSave", "CLIPSave").input("clip", bare("CLIP")), "clip/ComfyUI"); }
  Outputs run(const Inputs& in, Context& context) override {
    const auto clip = clip_input(in);
    auto metadata = metadata_texts(context);
    metadata.emplace_back("format", "pt");
    for (const auto& encoder : text_encoders_of(*clip)) {
      SavedTensors tensors;
      for (auto& tensor : text_encoder_alone(clip, encoder)) tensors.add(std::move(tensor));
      save(in.text_or("filename_prefix", "clip/ComfyUI") + "_" + encoder, std::move(tensors), [&](const std::string&, int) { return metadata; }, context);
    }
    return {};
  }
};

}  // namespace

void register_model_saving_nodes(Registry& registry) {
  registry.add<CheckpointSave>();
  registry.add<ModelSave>();
  registry.add<CLIPSave>();
}

}  // namespace darkroom
