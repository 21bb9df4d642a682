// GLIGENLoader and GLIGENTextBoxApply: phrases that go to boxes of the picture.

#include "base/error.hpp"
#include "diffusion/gligen.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/packed_files.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/limits.hpp"
#include "worker/node.hpp"

namespace darkroom {

using GligenValue = Held<Packed<Gligen>>;

template <>
std::string GligenValue::describe() const {
  return "<GLIGEN for text boxes>";
}
template <>
std::size_t GligenValue::bytes() const { return held->bytes(); }

namespace {

constexpr std::int64_t kPixelsPerLatent = 8;

class GLIGENLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("GLIGENLoader", Form::kV1).category("loaders").display_name("GLIGENLoader").input("gligen_name", bare(models("gligen"))).output("GLIGEN");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return {held_value(open_packed<Gligen>(model_file(context, "gligen", in.choice("gligen_name")), "gligen", context))};
  }
};

/// One more box on each entry.
class GLIGENTextBoxApply final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("GLIGENTextBoxApply", Form::kV1).category("conditioning/gligen").display_name("GLIGENTextBoxApply")
        .input("conditioning_to", bare("CONDITIONING")).input("clip", bare("CLIP")).input("gligen_textbox_model", bare("GLIGEN"))
        .input("text", String{.multiline = true, .common = {.extra = {{"multiline", true}, {"dynamicPrompts", true}}}})
        .input("width", side()).input("height", side()).input("x", place()).input("y", place())
        .output("CONDITIONING");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto model = in.object<GligenValue>("gligen_textbox_model")->held;
    const auto latent = [&](const char* name) { return in.integer(name) / kPixelsPerLatent; };
    const GligenBox box{clip_input(in)->pooled(in.text("text"), prompt_context(context)), {latent("height"), latent("width"), latent("y"), latent("x")}};
    Conditioning entries = conditioning(in, "conditioning_to");
    for (auto& entry : entries) {
      auto use = std::make_shared<GligenUse>();
      if (entry.gligen) use->boxes = entry.gligen->boxes;
      use->model = model;
      use->boxes.push_back(box);
      entry.gligen = std::move(use);
    }
    return {conditioning_value(std::move(entries))};
  }

 private:
  static Int side() { return {.value = 64, .min = kPixelsPerLatent, .max = kMaxResolution, .step = kPixelsPerLatent}; }
  static Int place() { return {.value = 0, .min = 0, .max = kMaxResolution, .step = kPixelsPerLatent}; }
};

}  // namespace

void register_gligen_nodes(Registry& registry) {
  registry.add<GLIGENLoader>();
  registry.add<GLIGENTextBoxApply>();
}

}  // namespace darkroom
