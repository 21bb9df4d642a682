#pragma once
// A workflow that draws a picture, set up by what a program wants to change: the words, the seed, the picture that it starts from.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace darkroom::client {

/// Reads a workflow in API form. Throws NotFound for a missing file, InvalidInput with the position for a text that is no JSON, and with
/// what to do about it for the editor's own form, which needs a server's classes (Client::import_workflow).
json::object load_workflow(const std::filesystem::path& file);

/// The sampler of a prompt: the node whose positive conditioning is followed. Where there are several, the first that an output needs
/// and no other sampler feeds on: the picture begins there. Throws InvalidInput when there is none.
std::string find_sampler(const json::object& prompt);

/// Sets the words that reach the sampler's positive (negative) conditioning: follows its links up to the nodes that hold a `text`
/// (`text_g` and `text_l` of SDXL too). Throws InvalidInput where no such node is found.
void set_positive(json::object& prompt, std::string_view words);
void set_negative(json::object& prompt, std::string_view words);

/// Sets the seed of the sampler, also one that comes over a link from another node (RandomNoise, a seed node). Throws InvalidInput where
/// there is none.
void set_seed(json::object& prompt, std::uint64_t seed);
/// A seed that every reader of JSON gets exactly: 0 … 2^53 - 1.
std::uint64_t random_seed();

/// Sets the picture that is loaded: of the LoadImage that the sampler's latent comes from, else of the only one. `name`: as uploads
/// return it, with its subfolder. Throws InvalidInput when there is none, or several that could be meant.
void set_image(json::object& prompt, std::string_view name);

/// Sets one input of the node that `target` names: its id, else its title, else its class. Throws InvalidInput for a target that is unknown
/// or means several nodes; the text lists them.
void set_input(json::object& prompt, std::string_view target, std::string_view input, json::value value);

}  // namespace darkroom::client
