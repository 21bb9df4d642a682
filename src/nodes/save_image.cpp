// SaveImage, PreviewImage, SaveImageWebsocket: where pictures leave a graph.

#include <limits>

#include "imaging/preview.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/image_bytes.hpp"
#include "nodes/image_saving.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// Saves a batch into the output folder, with the workflow inside.
class SaveImage final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SaveImage", Form::kV1).display_name("Save Image").category("image").output_node()
        .description("Saves images to the output folder.")
        .input("images", Image{.common = {.tooltip = "The images to save."}})
        .input("filename_prefix", String{.value = "ComfyUI", .common = {.tooltip = "File name before the number; may hold %width%, %date:yyyy-MM-dd% and the like."}})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return Outputs().show("images", save_images(in.image("images"), in.text_or("filename_prefix", "ComfyUI"), "output", 4, context));
  }
};

/// The same into the temp folder: shown at the node, not kept.
class PreviewImage final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("PreviewImage", Form::kV1).display_name("Preview Image").category("image").output_node()
        .description("Shows images without keeping them.")
        .input("images", Image{.common = {.bare = true}})
        .hidden("prompt", "PROMPT").hidden("extra_pnginfo", "EXTRA_PNGINFO");
  }
  Outputs run(const Inputs& in, Context& context) override {
    return Outputs().show("images", save_previews(in.image("images"), prefix_, context));
  }

 private:
  std::string prefix_ = temp_prefix();
};

/// Sends each picture over the owner's socket as a PNG preview of its progress; nothing touches the disk.
class SaveImageWebsocket final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("SaveImageWebsocket", Form::kV1).module("custom_nodes.websocket_image_save").category("api/image").output_node()
        .input("images", Image{.common = {.bare = true}});
  }
  /// Never the same: whoever asks again wants the pictures again.
  static json::value fingerprint(const Inputs&, const Folders&) { return json::value(std::numeric_limits<double>::quiet_NaN()); }
  Outputs run(const Inputs& in, Context& context) override {
    const at::Tensor images = in.image("images");
    if (images.size(3) != 3) throw InvalidInput("images: expected RGB images, got " + describe(images));
    const std::int64_t batch = images.size(0);
    const int height = static_cast<int>(images.size(1)), width = static_cast<int>(images.size(2));
    for (std::int64_t i = 0; i < batch; ++i) {
      const auto pixels = image_to_bytes(images.select(0, i));
      context.progress(i, batch, "PNG", imaging::encode_preview(pixels.data(), width, height, "PNG", std::nullopt));
    }
    return {};
  }
};

}  // namespace

void register_save_image_nodes(Registry& registry) {
  registry.add<SaveImage>();
  registry.add<PreviewImage>();
  registry.add<SaveImageWebsocket>();
}

}  // namespace darkroom
