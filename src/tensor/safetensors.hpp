#pragma once
// The safetensors format: 8 bytes of header length, a JSON header, raw little-endian data.
// Source: the format's public specification (huggingface/safetensors, README "Format").

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/state_dict.hpp"

namespace darkroom {

struct Safetensors {
  StateDict tensors;                          ///< views of the mapped file, contiguous, on the CPU
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
};

/// Maps and checks a file: the header's length and JSON, every dtype, shape and range, and that the ranges cover the data
/// without holes or overlaps. Throws NotFound, or InvalidInput that begins with the file's name.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Is the content's beginning that of a safetensors file? For files whose name does not say.
bool looks_like_safetensors(std::string_view bytes);

/// What a file's header says of one tensor.
struct TensorEntry {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
};

/// The beginning of a file, for who writes its tensors one by one: length and header. Puts `entries` into the order in which their
/// data must follow. Throws InvalidInput for a dtype that the format does not have, and for two tensors of one name.
std::string safetensors_head(std::vector<TensorEntry>& entries, const std::vector<std::pair<std::string, std::string>>& metadata = {});

/// One whole file as bytes: `__metadata__` first, then tensors by falling alignment and by name, as other writers order
/// them. Tensors may be on any device and of any layout; they are written contiguous.
/// Throws InvalidInput for a dtype that the format does not have.
std::string dump_safetensors(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                             const std::vector<std::pair<std::string, std::string>>& metadata = {});

}  // namespace darkroom
