// CLIPLoader and DualCLIPLoader: text encoders out of files of their own.

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "nodes/all_nodes.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/schema_parts.hpp"
#include "nodes/model_files.hpp"
#include "tensor/checkpoint.hpp"
#include "worker/node.hpp"

namespace darkroom {
namespace {

/// Where to load to. The weights stay in the file until a layer is computed, so both choices are the same.
Combo device_input() {
  Combo combo{"default", "cpu"};
  combo.common.extra = {{"advanced", true}};
  return combo;
}

/// `type` picks rules of families that share files; of those that are built, the file says which it is.
void check_type(const std::string& type, const char* built) {
  if (type != built)
    throw InvalidInput("type: text encoders of '" + type + "' are not supported; '" + built + "' is, with the text encoders of SD1.x, SD2.x and SDXL");
}

Outputs load(const std::vector<std::string>& names, Context& context) {
  std::vector<std::shared_ptr<const StateDict>> files;
  for (const auto& name : names) files.push_back(std::make_shared<const StateDict>(load_checkpoint(model_file(context, "text_encoders", name))));
  try {
    return {held_value(load_clip(files))};
  } catch (const InvalidInput& error) {
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
    throw InvalidInput(all + ": " + error.what());
  }
}

class CLIPLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("CLIPLoader", Form::kV1).category("advanced/loaders").display_name("Load CLIP")
        .description("A text encoder out of a file of its own: CLIP-L, OpenCLIP-H or OpenCLIP-G, whichever it holds.")
        .input("clip_name", bare(models("text_encoders")))
        .input("type", bare(Combo{"stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi", "ltxv", "pixart", "cosmos", "lumina2", "wan", "hidream",
                                  "chroma", "ace", "omnigen2", "qwen_image", "hunyuan_image", "flux2", "ovis"}))
        .optional("device", device_input())
        .output("CLIP");
  }
  Outputs run(const Inputs& in, Context& context) override {
    check_type(in.choice("type"), "stable_diffusion");
    return load({in.choice("clip_name")}, context);
  }
};

class DualCLIPLoader final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("DualCLIPLoader", Form::kV1).category("advanced/loaders").display_name("DualCLIPLoader")
        .description("The two text encoders of SDXL out of files of their own, in any order.")
        .input("clip_name1", bare(models("text_encoders"))).input("clip_name2", bare(models("text_encoders")))
        .input("type", bare(Combo{"sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image", "hunyuan_video_15", "kandinsky5", "kandinsky5_image", "ltxv",
                                  "newbie"}))
        .optional("device", device_input())
        .output("CLIP");
  }
  Outputs run(const Inputs& in, Context& context) override {
    check_type(in.choice("type"), "sdxl");
    return load({in.choice("clip_name1"), in.choice("clip_name2")}, context);
  }
};

}  // namespace

void register_clip_loaders(Registry& registry) {
  registry.add<CLIPLoader>();
  registry.add<DualCLIPLoader>();
}

}  // namespace darkroom
