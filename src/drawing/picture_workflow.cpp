#include "drawing/picture_workflow.hpp"

#include <charconv>

#include "base/dimensions.hpp"
#include "base/error.hpp"

namespace darkroom {

namespace {

constexpr std::int64_t kSizeStep = 8;  // pixels of a latent pixel

/// Builds nodes with ids "1", "2", ...; `add` gives the id.
class Graph {
 public:
  std::string add(std::string_view node_class, json::object inputs) {
    auto id = std::to_string(prompt_.size() + 1);
    prompt_[id] = json::object{{"class_type", node_class}, {"inputs", std::move(inputs)}};
    return id;
  }
  json::object take() { return std::move(prompt_); }

 private:
  json::object prompt_;
};

json::array link(const std::string& node, int slot) { return json::array{node, slot}; }

/// "name:0.8": the strength behind the last colon, 1 without one. A drive's colon and a name with one need a strength as well.
std::pair<std::string, double> parse_lora(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1.0};
  double strength = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, strength);
  if (error != std::errc() || stopped != end || colon == 0) throw InvalidInput("--lora " + text + ": expected NAME or NAME:STRENGTH");
  return {text.substr(0, colon), strength};
}

/// A picture that is drawn over, and its transparency as a mask.
struct Drawn {
  json::array pixels, mask;
};

json::object scaled(const PictureRequest& request, json::array pixels) {
  return {{"image", std::move(pixels)},
          {"upscale_method", "lanczos"},
          {"width", request.width},
          {"height", request.height},
          {"crop", "center"}};
}

Drawn load_picture(Graph& graph, const PictureRequest& request) {
  const auto picture = graph.add("LoadImage", {{"image", request.picture}});
  Drawn drawn{link(picture, 0), link(picture, 1)};
  if (!request.resize) return drawn;
  drawn.pixels = link(graph.add("ImageScale", scaled(request, drawn.pixels)), 0);
  if (!request.masked) return drawn;
  const auto shown = graph.add("MaskToImage", {{"mask", drawn.mask}});
  const auto fitted = graph.add("ImageScale", scaled(request, link(shown, 0)));
  drawn.mask = link(graph.add("ImageToMask", {{"image", link(fitted, 0)}, {"channel", "red"}}), 0);
  return drawn;
}

/// What was made anew laid into the picture: outside of the mask it stays as it was.
std::string keep_the_rest(Graph& graph, const Drawn& drawn, const std::string& decoded, std::int64_t batch) {
  json::array below = drawn.pixels;
  if (batch > 1) below = link(graph.add("RepeatImageBatch", {{"image", below}, {"amount", batch}}), 0);
  return graph.add(
      "ImageCompositeMasked",
      {{"destination", below}, {"source", link(decoded, 0)}, {"x", 0}, {"y", 0}, {"resize_source", true}, {"mask", drawn.mask}});
}

}  // namespace

std::pair<std::int64_t, std::int64_t> picture_size(const std::string& text) {
  if (const auto size = dimensions(text)) return *size;
  throw InvalidInput("the size " + text + ": expected WIDTHxHEIGHT in pixels, as 512x768");
}

json::object picture_workflow(const PictureRequest& request) {
  const bool has_size = request.picture.empty() || request.resize;
  if (has_size && (request.width % kSizeStep != 0 || request.height % kSizeStep != 0))
    throw InvalidInput("the size " + std::to_string(request.width) + "x" + std::to_string(request.height) +
                       ": both sides must be multiples of " + std::to_string(kSizeStep));
  Graph graph;
  const auto loader = graph.add("CheckpointLoaderSimple", {{"ckpt_name", request.model}});
  auto model = link(loader, 0), clip = link(loader, 1);
  const auto vae = link(loader, 2);
  for (const auto& lora : request.loras) {
    const auto [name, strength] = parse_lora(lora);
    const auto node = graph.add("LoraLoader", {{"model", model}, {"clip", clip}, {"lora_name", name}, {"strength_model", strength}, {"strength_clip", strength}});
    model = link(node, 0);
    clip = link(node, 1);
  }
  const auto positive = graph.add("CLIPTextEncode", {{"text", request.prompt}, {"clip", clip}});
  const auto negative = graph.add("CLIPTextEncode", {{"text", request.negative}, {"clip", clip}});
  std::string latent;
  Drawn drawn;
  if (request.picture.empty()) {
    latent = graph.add("EmptyLatentImage", {{"width", request.width}, {"height", request.height}, {"batch_size", request.batch}});
  } else {
    drawn = load_picture(graph, request);
    latent = graph.add("VAEEncode", {{"pixels", drawn.pixels}, {"vae", vae}});
    if (request.masked) latent = graph.add("SetLatentNoiseMask", {{"samples", link(latent, 0)}, {"mask", drawn.mask}});
    if (request.batch > 1) latent = graph.add("RepeatLatentBatch", {{"samples", link(latent, 0)}, {"amount", request.batch}});
  }
  const auto sampled = graph.add("KSampler", {{"model", model}, {"seed", request.seed}, {"steps", request.steps}, {"cfg", request.cfg},
                                              {"sampler_name", request.sampler}, {"scheduler", request.scheduler}, {"positive", link(positive, 0)},
                                              {"negative", link(negative, 0)}, {"latent_image", link(latent, 0)}, {"denoise", request.denoise}});
  auto decoded = graph.add("VAEDecode", {{"samples", link(sampled, 0)}, {"vae", vae}});
  if (request.masked && !request.picture.empty()) decoded = keep_the_rest(graph, drawn, decoded, request.batch);
  graph.add("SaveImage", {{"images", link(decoded, 0)}, {"filename_prefix", request.prefix}});
  return graph.take();
}

}  // namespace darkroom
