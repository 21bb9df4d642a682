#pragma once
// The embeddings folder of the golden models.

#include <filesystem>
#include <initializer_list>

#include "diffusion/embedding.hpp"
#include "diffusion/tests/golden.hpp"

namespace darkroom {

/// Finds names as written or with one of the endings. None when there are no models.
inline FindEmbedding golden_embeddings() {
  return [](const std::string& name) -> std::optional<std::filesystem::path> {
    const auto folder = golden_model("embeddings");
    if (!folder) return std::nullopt;
    for (const char* ending : {"", ".safetensors", ".pt"})
      if (auto path = *folder / (name + ending); std::filesystem::is_regular_file(path)) return path;
    return std::nullopt;
  };
}

}  // namespace darkroom
