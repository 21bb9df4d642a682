#pragma once
// The head of a safetensors file: eight bytes of length, little-endian, then JSON. Tensors are tensor/'s business.

#include <cstddef>
#include <filesystem>
#include <optional>

#include "base/json.hpp"

namespace darkroom {

/// The `__metadata__` object; nothing when there is none, when the head is longer than `max_bytes`, or when it is malformed.
std::optional<json::object> safetensors_metadata(const std::filesystem::path& file, std::size_t max_bytes = 1u << 20);

}  // namespace darkroom
