// CLIPVisionLoader and CLIPVisionEncode: pictures as vectors.

#include "base/error.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vision_values.hpp"
#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {

template <>
std::string ClipVisionValue::describe() const { return "<CLIP vision encoder of " + std::to_string(held->layers()) + " layers>"; }
/// The weights are pages of the mapped file, which the system takes back when it needs them.
template <>
std::size_t ClipVisionValue::bytes() const { return 0; }
template <>
std::string EncodedPictureValue::describe() const { return "<CLIP vision output of " + std::to_string(held->embedding.size(0)) + (held->embedding.size(0) == 1 ? " picture>" : " pictures>"); }
template <>
std::size_t EncodedPictureValue::bytes() const { return held->embedding.nbytes() + held->last.nbytes() + held->penultimate.nbytes(); }

namespace {

/// The vision encoder of a file, opened once for all prompts. Throws InvalidInput that begins with the file's name when it holds none.
std::shared_ptr<const ClipVision> open_clip_vision(const std::filesystem::path& path, Context& context) {
  const auto open = [](const std::filesystem::path& file) {
    return opened(file, [&] {
      if (auto vision = load_clip_vision(std::make_shared<const StateDict>(load_checkpoint(file)))) return vision;
      throw InvalidInput("the file holds no CLIP vision encoder");
    });
  };
  return model_files<ClipVision>(context, "clip_visions")->get(path, {}, open);
}

class CLIPVisionLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPVisionLoader", Form::kV1).category("loaders").display_name("Load CLIP Vision").input("clip_name", bare(models("clip_vision"))).output("CLIP_VISION");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {held_value(open_clip_vision(model_file(context, "clip_vision", in.choice("clip_name")), context))};
  }
};

class CLIPVisionEncode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPVisionEncode", Form::kV1).category("conditioning").display_name("CLIP Vision Encode")
        .input("clip_vision", bare("CLIP_VISION")).input("image", bare("IMAGE")).input("crop", bare(Combo{"center", "none"}))
        .output("CLIP_VISION_OUTPUT");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto vision = in.object<ClipVisionValue>("clip_vision")->held;
    return {held_value(std::make_shared<const EncodedPicture>(vision->encode(in.image("image"), in.choice("crop") == "center", [&context] { context.check(); })))};
  }
};

}  // namespace

void register_vision_nodes(Registry& registry) {
  registry.add<CLIPVisionLoader>();
  registry.add<CLIPVisionEncode>();
}

}  // namespace darkroom
