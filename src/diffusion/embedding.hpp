#pragma once
// Textual inversion: vectors out of a file that stand in a prompt where tokens would.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

/// The file of an embedding by the name in the prompt, with or without its ending; nothing when there is none.
using FindEmbedding = std::function<std::optional<std::filesystem::path>(const std::string& name)>;

/// The vectors [N,D] of a file for one text encoder, in the file's dtype. `encoder` ("clip_l", "clip_g", "clip_h") picks the
/// tensor of that name where the file has it (SDXL); else `emb_params` or the first tensor; of a .pt file the first value of
/// `string_to_param`. Throws NotFound, or InvalidInput that begins with the file's name.
at::Tensor load_embedding(const std::filesystem::path& path, std::string_view encoder);

}  // namespace darkroom
