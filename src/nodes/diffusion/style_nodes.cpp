// StyleModelLoader and StyleModelApply: the look of a picture as more tokens of the text.

#include "base/error.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/packed_files.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion/vision_values.hpp"
#include "tensor/concat.hpp"
#include "worker/node.hpp"

namespace darkroom {

template <>
std::string StyleModelValue::describe() const {
  return "<style model>";
}
template <>
std::size_t StyleModelValue::bytes() const { return held->bytes(); }

namespace {

class StyleModelLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("StyleModelLoader", Form::kV1).category("loaders").display_name("Load Style Model").input("style_model_name", bare(models("style_models"))).output("STYLE_MODEL");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {
        held_value(open_packed<StyleModel>(model_file(context, "style_models", in.choice("style_model_name")), "style_models", context))};
  }
};

/// The style's tokens behind those of the text.
class StyleModelApply final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("StyleModelApply", Form::kV1).category("conditioning/style_model").display_name("Apply Style Model")
        .input("conditioning", bare("CONDITIONING")).input("style_model", bare("STYLE_MODEL")).input("clip_vision_output", bare("CLIP_VISION_OUTPUT"))
        .input("strength", Float{.value = 1.0, .min = 0.0, .max = 10.0, .step = 0.001}).input("strength_type", bare(Combo{"multiply", "attn_bias"}))
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context&) override {
    auto tokens =
        (*in.object<StyleModelValue>("style_model")->held->acquire())(in.object<EncodedPictureValue>("clip_vision_output")->held->last);
    tokens = tokens.reshape({1, -1, tokens.size(2)});  // all pictures' one behind the other
    if (in.choice("strength_type") == "multiply") tokens = tokens * in.number("strength");
    Conditioning entries = conditioning(in, "conditioning");
    for (auto& entry : entries) {
      if (entry.text.size(2) != tokens.size(2))
        throw InvalidInput("style_model: its tokens have width " + std::to_string(tokens.size(2)) + ", the text's " + std::to_string(entry.text.size(2)) + ": it was made for another family");
      entry.text = concat({entry.text, tokens}, 1);
    }
    return {conditioning_value(std::move(entries))};
  }
};

}  // namespace

void register_style_nodes(Registry& registry) {
  registry.add<StyleModelLoader>();
  registry.add<StyleModelApply>();
}

}  // namespace darkroom
