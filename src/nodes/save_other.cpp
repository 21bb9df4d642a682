// SaveAnimatedWEBP, SaveAnimatedPNG, SaveSVGNode: batches as animations, and documents.

#include <algorithm>

#include "imaging/animation.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/image_bytes.hpp"
#include "nodes/image_saving.hpp"
#include "nodes/svg.hpp"
#include "storage/folders.hpp"
#include "storage/saving.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr const char* kModule = "comfy_extras.nodes_images";

imaging::Animation animation_of(const at::Tensor& images, double fps) {
  if (images.size(3) != 3 && images.size(3) != 4) throw InvalidInput("images: expected RGB or RGBA images, got " + describe(images));
  imaging::Animation animation{static_cast<int>(images.size(2)), static_cast<int>(images.size(1)), static_cast<int>(images.size(3)), {},
                               static_cast<int>(1000.0 / fps)};
  for (std::int64_t i = 0; i < images.size(0); ++i) animation.frames.push_back(image_to_bytes(images.select(0, i)));
  return animation;
}

/// Writes one file into the output folder; `animated` tells the editor to play it.
Outputs save(const std::string& bytes, std::string_view extension, const Inputs& in, const imaging::Animation& animation, const Context& context) {
  const SaveTarget target = save_target(context.folders().output, in.text("filename_prefix"), animation.width, animation.height);
  std::string name = numbered(target.name, 0, target.counter, extension);
  write_file(target.folder / name, bytes);
  Outputs outputs;
  outputs.show("images", {saved_entry(std::move(name), target.subfolder, "output")});
  if (animation.frames.size() > 1) outputs.show("animated", {true});
  return outputs;
}

class SaveAnimatedWEBP final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SaveAnimatedWEBP", Form::kV3).module(kModule).category("image/animation").output_node()
        .input("images", Image{})
        .input("filename_prefix", String{.value = "ComfyUI"})
        .input("fps", Float{.value = 6.0, .min = 0.01, .max = 1000.0, .step = 0.01})
        .input("lossless", Boolean{.value = true})
        .input("quality", Int{.value = 80, .min = 0, .max = 100})
        .input("method", Combo{"default", "fastest", "slowest"})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto animation = animation_of(in.image("images"), in.number("fps"));
    const std::string& method = in.choice("method");
    const imaging::WebpOptions options{.lossless = in.boolean("lossless"), .quality = static_cast<int>(in.integer("quality")),
                                       .effort = method == "fastest" ? 0 : method == "slowest" ? 6 : 4};
    return save(imaging::encode_webp(animation, options, metadata_texts(context)), "webp", in, animation, context);
  }
};

class SaveAnimatedPNG final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SaveAnimatedPNG", Form::kV3).module(kModule).category("image/animation").output_node()
        .input("images", Image{})
        .input("filename_prefix", String{.value = "ComfyUI"})
        .input("fps", Float{.value = 6.0, .min = 0.01, .max = 1000.0, .step = 0.01})
        .input("compress_level", Int{.value = 4, .min = 0, .max = 9})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto animation = animation_of(in.image("images"), in.number("fps"));
    const int level = static_cast<int>(in.integer("compress_level"));
    return save(imaging::encode_apng(animation, level, metadata_texts(context)), "png", in, animation, context);
  }
};

/// Saves SVG documents, with the workflow as their metadata.
class SaveSVGNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SaveSVGNode", Form::kV3).module(kModule).category("image/save").output_node()
        .description("Saves SVG documents to the output folder.")
        .input("svg", Socket{.type = "SVG", .common = {}})
        .input("filename_prefix", String{.value = "svg/ComfyUI", .common = {.tooltip = "File name before the number."}})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto svg = in.object<SvgObject>("svg");
    const SaveTarget target = save_target(context.folders().output, in.text("filename_prefix"), 0, 0);
    json::object metadata;
    if (!context.metadata_disabled()) {
      metadata["prompt"] = context.prompt();
      if (const auto* extra = context.extra_pnginfo().if_object())
        for (const auto& [key, value] : *extra) metadata[key] = value;
    }
    json::array entries;
    for (std::size_t i = 0; i < svg->documents.size(); ++i) {
      std::string name = numbered(target.name, static_cast<int>(i), target.counter + static_cast<int>(i), "svg");
      const std::string& document = svg->documents[i];
      write_file(target.folder / name, metadata.empty() ? document : svg_with_metadata(document, metadata));
      entries.push_back(saved_entry(std::move(name), target.subfolder, "output"));
    }
    return Outputs().show("images", std::move(entries));
  }
};

}  // namespace

void register_save_other_nodes(Registry& registry) {
  registry.add<SaveAnimatedWEBP>();
  registry.add<SaveAnimatedPNG>();
  registry.add<SaveSVGNode>();
}

}  // namespace darkroom
