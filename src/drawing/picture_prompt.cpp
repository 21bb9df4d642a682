#include "drawing/picture_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "workflow/edit.hpp"
#include "workflow/graph.hpp"

namespace darkroom {
namespace {

const json::object* inputs_of(const json::object& prompt, std::string_view id) {
  const auto* node = find_object(prompt, id);
  return node ? find_object(*node, "inputs") : nullptr;
}

json::object* inputs_to_change(json::object& prompt, std::string_view id) {
  auto* node = prompt.if_contains(id);
  auto* inputs = node && node->is_object() ? node->get_object().if_contains("inputs") : nullptr;
  return inputs ? inputs->if_object() : nullptr;
}

/// The node that an input is linked to; empty: it has a constant, or is not there.
std::string source_of(const json::object& prompt, std::string_view id, std::string_view input) {
  const auto* inputs = inputs_of(prompt, id);
  const auto* value = inputs ? inputs->if_contains(input) : nullptr;
  return value && is_link(*value) ? std::string(value->get_array()[0].get_string()) : "";
}

/// A node and all that it depends on, nearest first. `ways`: the inputs that lead on where a node has one of them; else all of them do.
std::vector<std::string> upstream(const json::object& prompt, const std::string& from, const std::vector<std::string_view>& ways = {}) {
  std::vector<std::string> found{from};
  std::set<std::string> seen{from};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto* inputs = inputs_of(prompt, found[i]);
    if (!inputs) continue;
    const bool narrowed = std::ranges::any_of(ways, [&](std::string_view way) { return inputs->contains(way); });
    for (const auto& [name, value] : *inputs) {
      if (!is_link(value) || (narrowed && std::ranges::find(ways, std::string_view(name)) == ways.end())) continue;
      std::string next(value.get_array()[0].get_string());
      if (prompt.contains(next) && seen.insert(next).second) found.push_back(std::move(next));
    }
  }
  return found;
}

bool leads_to(const json::object& prompt, const std::string& from, const std::string& to) {
  const auto all = upstream(prompt, from);
  return from != to && std::ranges::find(all, to) != all.end();
}

/// Does the node sample: has it words by a link, and a latent to begin with? SamplerCustomAdvanced has its words in a guider.
bool samples(const json::object& prompt, const std::string& id) {
  const auto* inputs = inputs_of(prompt, id);
  return inputs && inputs->contains("latent_image") &&
         (!source_of(prompt, id, "positive").empty() || !source_of(prompt, id, "guider").empty());
}

bool has_text(const json::object& inputs, std::string_view name) {
  const auto* value = inputs.if_contains(name);
  return value && value->is_string();
}

bool has_number(const json::object& inputs, std::string_view name) {
  const auto* value = inputs.if_contains(name);
  return value && value->is_number();
}

std::string class_of(const json::object& prompt, std::string_view id) {
  const auto* node = find_object(prompt, id);
  return node ? string_or(*node, "class_type", "") : "";
}

bool loads_picture(const json::object& prompt, std::string_view id) {
  const std::string node_class = class_of(prompt, id);
  return node_class == "LoadImage" || node_class == "LoadImageOutput";
}

/// The nodes that the sampler's latent comes from, nearest first.
std::vector<std::string> above_latent(const json::object& prompt) {
  const std::string latent = source_of(prompt, find_sampler(prompt), "latent_image");
  return latent.empty() ? std::vector<std::string>{} : upstream(prompt, latent);
}

/// The node that loads the picture which is drawn over.
std::string drawn_loader(const json::object& prompt) {
  try {
    const auto all = above_latent(prompt);
    if (const auto at = std::ranges::find_if(all, [&](const auto& id) { return loads_picture(prompt, id); }); at != all.end()) return *at;
  } catch (const InvalidInput&) {
    // a workflow without a sampler has a picture too
  }
  std::vector<std::string> loaders;
  for (const auto& item : prompt)
    if (loads_picture(prompt, item.key())) loaders.emplace_back(item.key());
  if (loaders.empty()) throw InvalidInput("no node of the workflow loads a picture (LoadImage)");
  if (loaders.size() > 1)
    throw InvalidInput(
        fmt::format("{} nodes of the workflow load a picture, and none leads to the sampler: set the one that you mean", loaders.size()));
  return loaders.front();
}

/// All nodes that load a picture, the drawn one first.
std::vector<std::string> picture_loaders(const json::object& prompt) {
  std::vector<std::string> loaders{drawn_loader(prompt)};
  for (const auto& item : prompt)
    if (loads_picture(prompt, item.key()) && item.key() != loaders.front()) loaders.emplace_back(item.key());
  return loaders;
}

std::vector<std::string> mask_loaders(const json::object& prompt) {
  std::vector<std::string> loaders;
  for (const auto& item : prompt)
    if (class_of(prompt, item.key()) == "LoadImageMask") loaders.emplace_back(item.key());
  return loaders;
}

void set_loaded(json::object& prompt, const std::string& loader, std::string_view name) {
  prompt[loader].as_object()["inputs"].as_object()["image"] = name;
}

void set_words(json::object& prompt, const char* side, std::string_view words) {
  const std::string sampler = find_sampler(prompt);
  std::string begin = source_of(prompt, sampler, side);
  if (const std::string guider = source_of(prompt, sampler, "guider"); begin.empty() && !guider.empty()) {
    begin = source_of(prompt, guider, side);
    if (begin.empty() && side == std::string_view("positive")) begin = source_of(prompt, guider, "conditioning");
  }
  if (begin.empty()) throw InvalidInput(fmt::format("node {} has no {} conditioning to follow", sampler, side));
  // On the way up nodes like ControlNetApplyAdvanced have both sides.
  for (const auto& id : upstream(prompt, begin, {side})) {
    auto* inputs = inputs_to_change(prompt, id);
    if (!inputs) continue;
    bool set = false;
    for (const char* name : {"text", "text_g", "text_l"}) {
      std::string holder = id;
      json::object* holds = inputs;
      std::string input = name;
      // The words may be a node of their own (PrimitiveString and the like).
      if (const std::string source = source_of(prompt, id, name); !source.empty()) {
        holder = source;
        holds = inputs_to_change(prompt, holder);
        input = holds && has_text(*holds, "value") ? "value" : "text";
      }
      if (!holds || !has_text(*holds, input)) continue;
      (*holds)[input] = words;
      set = true;
    }
    if (set) return;
  }
  throw InvalidInput(fmt::format("no node that the {} conditioning of node {} comes from holds a text", side, sampler));
}

}  // namespace

std::string find_sampler(const json::object& prompt) {
  std::vector<std::string> samplers;
  for (const auto& item : prompt)
    if (const std::string id(item.key()); samples(prompt, id)) samplers.push_back(id);
  if (samplers.empty()) throw InvalidInput("no node of the workflow samples: none has a latent_image and a positive conditioning");
  for (const auto& id : samplers)
    if (std::ranges::none_of(samplers, [&](const std::string& other) { return leads_to(prompt, id, other); })) return id;
  return samplers.front();
}

void set_positive(json::object& prompt, std::string_view words) { set_words(prompt, "positive", words); }
void set_negative(json::object& prompt, std::string_view words) { set_words(prompt, "negative", words); }

void set_seed(json::object& prompt, std::uint64_t seed) {
  const json::value number = seed >> 63 ? json::value(seed) : json::value(static_cast<std::int64_t>(seed));
  const std::string sampler = find_sampler(prompt);
  const auto set_in = [&](const std::string& id) {
    auto* inputs = inputs_to_change(prompt, id);
    for (const char* name : {"seed", "noise_seed"}) {
      if (const std::string source = source_of(prompt, id, name); !source.empty()) {  // a node that holds the seed for several
        auto* held = inputs_to_change(prompt, source);
        for (const char* other : {"seed", "noise_seed", "value", "int"})
          if (auto* value = held ? held->if_contains(other) : nullptr; value && value->is_number()) {
            *value = number;
            return true;
          }
      }
      if (auto* value = inputs ? inputs->if_contains(name) : nullptr; value && value->is_number()) {
        *value = number;
        return true;
      }
    }
    return false;
  };
  if (set_in(sampler)) return;
  if (const std::string noise = source_of(prompt, sampler, "noise"); !noise.empty() && set_in(noise)) return;
  throw InvalidInput(fmt::format("node {} has no seed", sampler));
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32 | device()) >> 11;
}

void set_image(json::object& prompt, std::string_view name) { set_loaded(prompt, drawn_loader(prompt), name); }

std::size_t count_images(const json::object& prompt) { return picture_loaders(prompt).size(); }

void set_images(json::object& prompt, const std::vector<std::string>& names) {
  const auto loaders = picture_loaders(prompt);
  if (names.size() > loaders.size())
    throw InvalidInput(fmt::format("the workflow takes {} pictures, and there are {}", loaders.size(), names.size()));
  for (std::size_t i = 0; i < names.size(); ++i) set_loaded(prompt, loaders[i], names[i]);
}

bool loads_mask(const json::object& prompt) { return !mask_loaders(prompt).empty(); }

void set_mask(json::object& prompt, std::string_view name) {
  const auto loaders = mask_loaders(prompt);
  if (loaders.size() != 1) throw InvalidInput(fmt::format("{} nodes of the workflow load a mask, not one", loaders.size()));
  set_loaded(prompt, loaders.front(), name);
}

bool takes_mask_of_picture(const json::object& prompt) {
  const json::array mask{drawn_loader(prompt), 1};
  for (const auto& item : prompt)
    if (const auto* inputs = inputs_of(prompt, item.key()))
      for (const auto& input : *inputs)
        if (input.value() == mask) return true;
  return false;
}

bool set_size(json::object& prompt, std::int64_t width, std::int64_t height) {
  for (const auto& id : above_latent(prompt)) {
    auto* inputs = inputs_to_change(prompt, id);
    if (!inputs || !has_number(*inputs, "width") || !has_number(*inputs, "height")) continue;
    (*inputs)["width"] = width;
    (*inputs)["height"] = height;
    return true;
  }
  return false;
}

void set_batch(json::object& prompt, std::int64_t count) {
  for (const auto& id : above_latent(prompt))
    if (auto* inputs = inputs_to_change(prompt, id); inputs && has_number(*inputs, "batch_size")) {
      (*inputs)["batch_size"] = count;
      return;
    }
  if (count == 1) return;
  std::string id = "batch";
  while (prompt.contains(id)) id += '_';
  auto& latent = (*inputs_to_change(prompt, find_sampler(prompt)))["latent_image"];
  json::object inputs{{"samples", latent}, {"amount", count}};
  latent = json::array{id, 0};
  prompt[id] = json::object{{"class_type", "RepeatLatentBatch"}, {"inputs", std::move(inputs)}};
}

bool set_checkpoint(json::object& prompt, std::string_view name) {
  for (const auto& id : upstream(prompt, find_sampler(prompt)))
    if (auto* inputs = inputs_to_change(prompt, id); inputs && has_text(*inputs, "ckpt_name")) {
      (*inputs)["ckpt_name"] = name;
      return true;
    }
  return false;
}

void set_input(json::object& prompt, std::string_view target, std::string_view input, json::value value) {
  const std::string id = find_node(prompt, target);
  auto& inputs = prompt[id].as_object()["inputs"];
  if (!inputs.is_object()) inputs = json::object{};
  inputs.get_object()[input] = std::move(value);
}

}  // namespace darkroom
