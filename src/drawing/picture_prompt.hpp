#pragma once
// A workflow that draws a picture, set up by what a program wants to change: the words, the seed, the picture that it starts from.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

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

/// How many pictures the workflow loads. Throws as set_image() does.
std::size_t count_images(const json::object& prompt);
/// Sets several: the first as set_image() does, the others at the nodes that remain, in the order of the workflow. Throws InvalidInput when
/// there are more names than nodes that load.
void set_images(json::object& prompt, const std::vector<std::string>& names);
/// Does a node LoadImageMask load a picture whose transparency is the mask?
bool loads_mask(const json::object& prompt);
/// Sets that picture. Throws InvalidInput unless exactly one node loads one.
void set_mask(json::object& prompt, std::string_view name);
/// Does a node take the mask that the transparency of the drawn picture is? Throws as set_image() does.
bool takes_mask_of_picture(const json::object& prompt);

/// Sets the size at the nearest node above the sampler's latent that has a width and a height. False where none has.
bool set_size(json::object& prompt, std::int64_t width, std::int64_t height);
/// Lets the sampler draw so many pictures at once: by the `batch_size` of its latent, else by a RepeatLatentBatch before it.
void set_batch(json::object& prompt, std::int64_t count);
/// Sets the checkpoint that the sampler gets its model from. False where it gets it from elsewhere.
bool set_checkpoint(json::object& prompt, std::string_view name);

/// Sets one input of the node that `target` names: its id, else its title, else its class. Throws InvalidInput for a target that is unknown
/// or means several nodes; the text lists them.
void set_input(json::object& prompt, std::string_view target, std::string_view input, json::value value);

}  // namespace darkroom
