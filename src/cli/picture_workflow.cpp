#include "cli/picture_workflow.hpp"

#include <charconv>

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

}  // namespace

std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text) {
  std::int64_t width = 0, height = 0;
  const char* end = text.data() + text.size();
  const auto [cross, first] = std::from_chars(text.data(), end, width);
  if (first == std::errc() && cross != end && (*cross == 'x' || *cross == 'X')) {
    const auto [stopped, second] = std::from_chars(cross + 1, end, height);
    if (second == std::errc() && stopped == end && width > 0 && height > 0) return {width, height};
  }
  throw InvalidInput("--size " + text + ": expected WIDTHxHEIGHT in pixels, as 512x768");
}

json::object picture_workflow(const PictureRequest& request) {
  if (request.picture.empty() && (request.width % kSizeStep != 0 || request.height % kSizeStep != 0))
    throw InvalidInput("--size " + std::to_string(request.width) + "x" + std::to_string(request.height) + ": both sides must be multiples of " +
                       std::to_string(kSizeStep));
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
  if (request.picture.empty()) {
    latent = graph.add("EmptyLatentImage", {{"width", request.width}, {"height", request.height}, {"batch_size", request.batch}});
  } else {
    const auto picture = graph.add("LoadImage", {{"image", request.picture}});
    latent = graph.add("VAEEncode", {{"pixels", link(picture, 0)}, {"vae", vae}});
    if (request.batch > 1) latent = graph.add("RepeatLatentBatch", {{"samples", link(latent, 0)}, {"amount", request.batch}});
  }
  const auto sampled = graph.add("KSampler", {{"model", model}, {"seed", request.seed}, {"steps", request.steps}, {"cfg", request.cfg},
                                              {"sampler_name", request.sampler}, {"scheduler", request.scheduler}, {"positive", link(positive, 0)},
                                              {"negative", link(negative, 0)}, {"latent_image", link(latent, 0)}, {"denoise", request.denoise}});
  const auto decoded = graph.add("VAEDecode", {{"samples", link(sampled, 0)}, {"vae", vae}});
  graph.add("SaveImage", {{"images", link(decoded, 0)}, {"filename_prefix", request.prefix}});
  return graph.take();
}

}  // namespace darkroom
