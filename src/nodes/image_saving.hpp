#pragma once
// What every node that saves pictures shares: names, texts inside the files and the ui entries.

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/node.hpp"

namespace darkroom {

/// The texts that go into a saved file: `prompt`, then one for each key of extra_pnginfo, as Python's json.dumps writes them.
/// Empty with --disable-metadata.
std::vector<std::pair<std::string, std::string>> metadata_texts(const Context& context);

/// `{"filename", "subfolder", "type"}`.
json::object saved_entry(std::string filename, std::string subfolder, std::string_view type);

/// Saves every picture of IMAGE [B,H,W,C] (C 1 to 4) as PNG below the "output" or "temp" folder and gives the ui entries.
/// Throws Forbidden when the prefix leads out of the folder.
json::array save_images(const at::Tensor& images, std::string_view prefix, std::string_view folder_type, int compress_level,
                        const Context& context);

/// The prefix of previews: `ComfyUI_temp_` and five letters, drawn once for a node's life.
std::string temp_prefix();

/// Saves into the temp folder as PreviewImage does and gives `{"images": [...]}` entries.
json::array save_previews(const at::Tensor& images, std::string_view prefix, const Context& context);

}  // namespace darkroom
