// DDColor_Colorize, as the widely used third-party pack has it, and DDColor, which also enlarges: colours for grey pictures.

#include "restore/ddcolor/colorize.hpp"

#include <ATen/ops/upsample_bilinear2d.h>
#include <fmt/format.h>

#include <functional>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "nodes/attention_picture.hpp"
#include "nodes/color_model.hpp"
#include "nodes/model_files.hpp"
#include "nodes/restoration.hpp"
#include "nodes/restoration_preview.hpp"
#include "nodes/upscale_model.hpp"
#include "restore/tiling.hpp"
#include "storage/folders.hpp"
#include "storage/model_names.hpp"
#include "tensor/concat.hpp"
#include "tensor/out_of_memory.hpp"
#include "worker/models.hpp"
#include "worker/node.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kNative = 0;  // a side for DDColor: what the network was made for

Int side_input(std::int64_t least) {
  return Int{.value = ColorModel::kUsualSide, .min = least, .max = DDColor::kMaxSide, .step = DDColor::kSideStep};
}

/// As it is asked for; `least` as in the schema. Linked values have not been checked.
std::int64_t side_of(const Inputs& in, std::int64_t least) {
  const auto side = in.integer_or("model_input_size", ColorModel::kUsualSide);
  if (!DDColor::takes(side) && side != least)
    throw InvalidInput(fmt::format("model_input_size: {} is no multiple of {} from {} to {}{}", side, DDColor::kSideStep,
                                   DDColor::kSideStep, DDColor::kMaxSide, least == kNative ? ", or 0" : ""));
  return side;
}

/// How to get a colouriser.
std::string advice() { return "put a DDColor checkpoint (.pth, .safetensors, .bin) into models/ddcolor, or run: darkroom models pull ddcolor"; }

NotFound not_installed(const std::string& name, const std::vector<NamedModel>& installed) {
  if (installed.empty()) return NotFound("no colouriser is installed: " + advice());
  std::string names;
  for (const auto& one : installed) names += (names.empty() ? "" : ", ") + one.name;
  return NotFound(fmt::format("{} is not installed (there is {}): {}", name, names, advice()));
}

/// What the pictures go through, with one bar of progress over all of it.
class Restoration {
 public:
  Restoration(Context& context, std::int64_t frames, std::int64_t steps) : context_(context), frames_(frames), steps_(steps) {}

  /// [B,H,W,C], C of 1, 3 or 4 -> the same with colours; [B,H,W,3] for one channel. Alpha stays.
  at::Tensor colorize(const DDColor& network, const at::Tensor& image, std::int64_t side) {
    const auto channels = image.size(3);
    if (channels != 1 && channels != 3 && channels != 4) throw InvalidInput(fmt::format("image: expected 1, 3 or 4 channels, got {}", channels));
    std::vector<at::Tensor> frames;
    for (std::int64_t b = 0; b < image.size(0); ++b) {
      const auto frame = image.select(0, b);
      const auto rgb = channels == 1 ? frame.expand({-1, -1, 3}) : frame.narrow(2, 0, 3);
      AttentionShow show(context_, image.size(1), image.size(2));
      const auto watch = wants_restoration_previews(context_) ? ColorWatch(std::ref(show)) : ColorWatch();
      const auto progress = [&](auto value, auto max) { report(b, value, max); };
      const auto colored = with_room(model_budget(context_), [&] { return darkroom::colorize(network, rgb, side, progress, watch); });
      frames.push_back((channels == 4 ? concat({colored, frame.narrow(2, 3, 1)}, 2) : colored).unsqueeze(0));
    }
    ++step_;
    return concat(frames);
  }

  /// Enlarged by a network, alpha bilinearly.
  at::Tensor upscale(const Upscaler& network, const at::Tensor& image) {
    const auto rgb = image.narrow(3, 0, 3);
    auto large = upscale_tiled(
        network, rgb, {}, [&](auto value, auto max) { report(0, value * frames_, max); }, [&] { context_.check(); }, {},
        model_budget(context_));
    ++step_;
    if (image.size(3) == 3) return large;
    const auto alpha = at::upsample_bilinear2d(image.narrow(3, 3, 1).permute({0, 3, 1, 2}), {large.size(1), large.size(2)}, false);
    return concat({large, alpha.permute({0, 2, 3, 1})}, 3);
  }

  /// What has become of the pictures, for whoever watches the restoration.
  void show(const at::Tensor& image) {
    if (const auto all = steps_ * frames_ * Work::kParts; wants_restoration_previews(context_))
      context_.progress(all, all, "JPEG", whole_preview(context_, image));
  }

 private:
  void report(std::int64_t frame, std::int64_t value, std::int64_t max) {
    const auto part = Work::kParts;
    context_.progress((step_ * frames_ + frame) * part + value * part / max, steps_ * frames_ * part);
  }

  Context& context_;
  std::int64_t frames_, steps_, step_ = 0;
};

/// Node and inputs as ComfyUI-DDColor (kijai) has them.
class DDColorColorize final : public Node {
 public:
  static NodeSchema schema() {
    auto checkpoint = models("ddcolor");
    checkpoint.value = "ddcolor_paper_tiny.pth";
    return NodeSchema("DDColor_Colorize", Form::kV1)
        .module("darkroom.nodes")
        .category("DDColor")
        .description("Gives a grey picture colours with a DDColor network of models/ddcolor.")
        .input("image", Image{})
        .input("model_input_size", side_input(DDColor::kSideStep))
        .input("checkpoint", checkpoint)
        .output(Image{}, "colorized_image");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto image = in.image("image");
    const auto side = side_of(in, DDColor::kSideStep);
    const auto& name = in.choice("checkpoint");
    const auto file = find_model_by_name(context.folders(), {"ddcolor"}, name);
    if (!file) throw not_installed(name, colorizers(context.folders()));
    context.check();
    const auto network = load_color_model(context, file->file)->network([&] { context.check(); });
    Restoration work(context, image.size(0), 1);
    const auto result = work.colorize(*network, image, side);
    work.show(result);
    return {tensor_value(result)};
  }
};

/// Colours, and enlarges where wanted. Its widgets in a saved workflow: ["realesr-animevideov3", 512, false].
class DDColorNode final : public Node {
 public:
  static NodeSchema schema() {
    return NodeSchema("DDColor", Form::kV3)
        .module("darkroom.nodes")
        .category("image/restoration")
        .description(
            "Gives a grey picture colours. The name of a colouriser of models/ddcolor chooses it; the name of an upscaler leaves the "
            "choice to the node, and enlarges afterwards if that is on. With a model_input_size of 0 the network sees the size that "
            "it was made for.")
        .input("image", Image{})
        .optional("model", models("ddcolor,upscale_models"))
        .optional("model_input_size", side_input(kNative))
        .optional("upscale", Boolean{.value = false})
        .output(Image{}, "image");
  }
  Outputs run(const Inputs& in, Context& context) override {
    const auto image = in.image("image");
    const auto asked = side_of(in, kNative);
    const auto wanted = in.boolean_or("upscale", false);
    const auto chosen = choose(context.folders(), in.text_or("model", ""));
    const bool enlarges = wanted && chosen.upscaler;
    context.check();
    const auto model = load_color_model(context, chosen.colorizer.file);
    const auto side = asked == kNative ? model->native_side() : asked;
    std::shared_ptr<const UpscaleModel> upscaler;
    if (enlarges) upscaler = load_upscale_model(*model_files<UpscaleModel>(context, "upscale_models"), chosen.upscaler->file, convolution_compute_of(context));

    Restoration work(context, image.size(0), enlarges ? 2 : 1);
    auto result = work.colorize(*model->network([&] { context.check(); }), image, side);
    std::string text = fmt::format("{} gave {} {} colours, seen at {} pixels.", chosen.colorizer.name, image.size(0) == 1 ? "the picture" : fmt::format("{} pictures", image.size(0)), image.size(0) == 1 ? "its" : "their", side);
    if (enlarges) {
      result = work.upscale(*upscaler->network(), result);
      text += fmt::format(" {} enlarged {} {} times.", chosen.upscaler->name, image.size(0) == 1 ? "it" : "them", upscaler->info().scale);
    } else if (chosen.upscaler) {
      text += fmt::format(" {} is an upscaler: it was left out, because enlarging is off.", chosen.upscaler->name);
    } else if (wanted) {
      text += " Nothing was enlarged: no upscaler is named.";
    }
    work.show(result);
    return Outputs{tensor_value(result)}.show("text", {text});
  }

 private:
  struct Chosen {
    NamedModel colorizer;
    std::optional<NamedModel> upscaler;
  };

  static Chosen choose(const Folders& folders, const std::string& name) {
    auto named = name.empty() ? std::nullopt : find_model_by_name(folders, {"ddcolor", "upscale_models"}, name);
    if (named && named->key == "ddcolor") return {std::move(*named), std::nullopt};
    auto installed = colorizers(folders);
    if (!name.empty() && !named) {
      if (is_published_name("ddcolor", name)) throw not_installed(name, installed);
      throw NotFound("model: no file of models/ddcolor or models/upscale_models is called " + name);
    }
    if (installed.empty()) throw not_installed(name, installed);
    return {std::move(installed.front()), std::move(named)};
  }
};

}  // namespace

void register_colorize_nodes(Registry& registry) {
  registry.add<DDColorNode>();
  registry.add<DDColorColorize>();
}

}  // namespace darkroom
