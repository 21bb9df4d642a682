#pragma once
// The head of a safetensors file: eight bytes of length, little-endian, then JSON. Tensors are tensor/'s business.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/json.hpp"

namespace darkroom {

/// The `__metadata__` object; nothing when there is none, when the head is longer than `max_bytes`, or when it is malformed.
std::optional<json::object> safetensors_metadata(const std::filesystem::path& file, std::size_t max_bytes = 1u << 20);

/// Width and height of the pictures that a model was made for, pixels, as its metadata says (`modelspec.resolution`: "512x768"); nothing
/// where it doesn't say so, or in other words.
std::optional<std::pair<std::int64_t, std::int64_t>> resolution_of(const json::object& metadata);
/// Of a checkpoint that doesn't say what it was made for: Stable Diffusion 1.x's.
inline constexpr std::pair<std::int64_t, std::int64_t> kUsualResolution{512, 512};

}  // namespace darkroom
