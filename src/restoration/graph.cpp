#include "restoration/graph.hpp"

#include <algorithm>

namespace darkroom::restoration {
namespace {

void need(const Abilities& abilities, bool wanted, std::string_view source) {
  if (wanted && !abilities.can(source)) throw Refusal{"bad_options", "options: " + std::string(source) + " can't be done on this server"};
}

bool listed(const std::vector<std::string>& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

/// The model for a factor: one of just this factor, else the next larger, whose result is made smaller.
std::string upscaler_for(const Abilities& abilities, const RestoreOptions& options) {
  if (!options.upscale_model.empty()) return options.upscale_model;
  for (int scale = options.upscale; scale <= 8; ++scale)
    for (const auto& name : abilities.upscalers)
      if (scale_of(name) == scale) return name;
  for (const auto& name : abilities.upscalers)
    if (scale_of(name) > 1) return name;
  return "";
}

/// Nodes in the order of adding, with ids from 1.
class Builder {
 public:
  std::string add(std::string_view node_class, json::object inputs) {
    std::string id = std::to_string(prompt_.size() + 1);
    prompt_.emplace(id, json::object{{"class_type", node_class}, {"inputs", std::move(inputs)}});
    return id;
  }
  static json::array link(const std::string& node, int slot = 0) { return {node, slot}; }
  json::object take() { return std::move(prompt_); }

 private:
  json::object prompt_;
};

}  // namespace

void settle(RestoreOptions& options, const Abilities& abilities) {
  if (options.colorize.value_or(false) && !abilities.can("colorize"))
    throw Refusal{"no_model", "No colouriser is installed: put one into models/ddcolor, or run `darkroom models pull ddcolor`"};
  if (!options.colorize) options.colorize = abilities.can("colorize");
  if (*options.colorize && !options.model.empty() && !listed(abilities.colorizers, options.model))
    throw Refusal{"bad_options", "options: the model " + options.model + " is not installed"};
  if (*options.colorize && options.model.empty()) options.model = abilities.colorizers.front();
  need(abilities, options.denoise > 0, "denoise");
  need(abilities, options.scratch > 0, "scratch");
  need(abilities, options.upscale > 1, "upscale");
  need(abilities, options.sharpen > 0, "sharpen");
  if (options.upscale > 1) {
    if (!options.upscale_model.empty() && !listed(abilities.upscalers, options.upscale_model))
      throw Refusal{"bad_options", "options: the upscale_model " + options.upscale_model + " is not installed"};
    options.upscale_model = upscaler_for(abilities, options);
  }
  if (!*options.colorize && options.denoise == 0 && options.scratch == 0 && options.upscale == 1 && options.sharpen == 0)
    throw Refusal{"nothing_to_do", "No step is on: choose at least one"};
}

RestoreGraph build_graph(const RestoreOptions& options, const Abilities& abilities, const std::string& photo, const std::string& prefix) {
  RestoreGraph out;
  Builder graph;
  const std::string load = graph.add("RestoreLoad", {{"image", photo}});
  json::array image = Builder::link(load);

  // Models are opened between reading and the first step: what fails there has cost nothing yet.
  json::object models{{"image", image}};
  const bool by_network = options.denoise > 0 && abilities.has("ImageDenoise") && !abilities.denoisers.empty();
  if (by_network) models.emplace("denoiser", abilities.denoisers.front());
  if (*options.colorize) models.emplace("colorizer", options.model);
  json::array upscaler;
  if (options.upscale > 1) {
    const std::string loader = graph.add("UpscaleModelLoader", {{"model_name", options.upscale_model}});
    upscaler = Builder::link(loader);
    models.emplace("model_1", upscaler);
  }
  image = Builder::link(graph.add("RestoreModels", std::move(models)));

  if (options.denoise > 0) {
    if (by_network)
      // Half strength is what a scan needs: a standard deviation of 25 in 8-bit steps.
      image = Builder::link(graph.add("ImageDenoise", {{"image", image}, {"model_name", abilities.denoisers.front()}, {"noise", options.denoise * 50}, {"strength", 1.0}}));
    else
      image = Builder::link(graph.add("RestoreDenoise", {{"image", image}, {"strength", options.denoise}}));
  }
  if (options.scratch > 0) image = Builder::link(graph.add("RestoreScratches", {{"image", image}, {"strength", options.scratch}}));
  if (*options.colorize) {
    out.model = options.model;
    const int side = options.size.value_or(0);  // what the network was made for
    image =
        Builder::link(graph.add("DDColor", {{"image", image}, {"model", options.model}, {"model_input_size", side}, {"upscale", false}}));
  }
  if (options.upscale > 1) {
    image = Builder::link(graph.add("ImageUpscaleWithModel", {{"upscale_model", upscaler}, {"image", image}}));
    const int scale = scale_of(options.upscale_model);
    if (scale != options.upscale)
      image = Builder::link(graph.add("ImageScaleBy", {{"image", image}, {"upscale_method", "area"}, {"scale_by", static_cast<double>(options.upscale) / scale}}));
  }
  if (options.sharpen > 0) image = Builder::link(graph.add("RestoreSharpen", {{"image", image}, {"strength", options.sharpen}}));

  out.save_node = graph.add("RestoreSave", {{"images", image},
                                            {"photo", Builder::link(load, 2)},
                                            {"filename_prefix", prefix},
                                            {"keep_gps", options.keep_gps},
                                            {"ai_colors", *options.colorize}});
  out.prompt = graph.take();
  return out;
}

}  // namespace darkroom::restoration
