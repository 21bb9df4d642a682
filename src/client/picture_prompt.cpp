#include "client/picture_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "workflow/edit.hpp"
#include "workflow/graph.hpp"
#include "workflow/limits.hpp"

namespace darkroom::client {
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

json::object load_workflow(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) throw InvalidInput(file.string() + " is a folder, not a workflow");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw NotFound(fmt::format("the workflow {} can't be opened: {}", file.string(), std::generic_category().message(errno)));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  json::value document;
  try {
    document = parse_json(text, {.max_bytes = limits::kMaxWorkflowBytes, .max_depth = limits::kMaxWorkflowDepth});
  } catch (const Error& error) {
    throw InvalidInput(fmt::format("the workflow {} is no JSON: {}", file.string(), error.what()));
  }
  auto* object = document.if_object();
  if (object && find_object(*object, "prompt") && !find_string(*find_object(*object, "prompt"), "class_type"))
    object = &object->at("prompt").get_object();
  if (object && object->contains("nodes") && object->contains("links"))
    throw InvalidInput(fmt::format("{} is in the editor's own form: export it as API, or let a server's classes read it (import_workflow)",
                                   file.string()));
  const auto is_node = [](const auto& item) { return item.value().is_object() && find_string(item.value().get_object(), "class_type"); };
  if (!object || object->empty() || !std::ranges::all_of(*object, is_node))
    throw InvalidInput(fmt::format("{} is no workflow: expected an object of nodes, each with a class_type", file.string()));
  return std::move(*object);
}

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

void set_image(json::object& prompt, std::string_view name) {
  const auto loads = [&](const std::string& id) {
    const auto* node = find_object(prompt, id);
    const std::string node_class = node ? string_or(*node, "class_type", "") : "";
    return node_class == "LoadImage" || node_class == "LoadImageOutput";
  };
  std::string loader;
  try {
    const std::string latent = source_of(prompt, find_sampler(prompt), "latent_image");
    const auto all = latent.empty() ? std::vector<std::string>{} : upstream(prompt, latent);
    if (const auto at = std::ranges::find_if(all, loads); at != all.end()) loader = *at;
  } catch (const InvalidInput&) {
    // a workflow without a sampler has a picture too
  }
  if (loader.empty()) {
    std::vector<std::string> loaders;
    for (const auto& item : prompt)
      if (const std::string id(item.key()); loads(id)) loaders.push_back(id);
    if (loaders.empty()) throw InvalidInput("no node of the workflow loads a picture (LoadImage)");
    if (loaders.size() > 1)
      throw InvalidInput(
          fmt::format("{} nodes of the workflow load a picture, and none leads to the sampler: set the one that you mean", loaders.size()));
    loader = loaders.front();
  }
  prompt[loader].as_object()["inputs"].as_object()["image"] = name;
}

void set_input(json::object& prompt, std::string_view target, std::string_view input, json::value value) {
  const std::string id = find_node(prompt, target);
  auto& inputs = prompt[id].as_object()["inputs"];
  if (!inputs.is_object()) inputs = json::object{};
  inputs.get_object()[input] = std::move(value);
}

}  // namespace darkroom::client
