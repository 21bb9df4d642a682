#include "diffusion/embedding.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

/// The tensor that comes first in the file: a state dict has forgotten the order, but tensors are views of the map.
at::Tensor first_of(const StateDict& tensors) {
  if (tensors.empty()) return {};
  return std::ranges::min_element(tensors, std::less<>(), [](const auto& entry) { return entry.second.const_data_ptr(); })->second;
}

/// What training tools save with torch: {"string_to_param": {"*": tensor}, ...}. Undefined when the file has no such thing.
at::Tensor from_torch(const std::filesystem::path& path) {
  const auto file = TorchFile::open(MappedFile::open(path));
  const auto* params = file.root().find("string_to_param");
  if (!params) return {};
  for (std::size_t i = 1; i < params->items.size(); i += 2)
    if (params->items[i]->kind == PickleValue::Kind::kTensor) return file.tensor(*params->items[i]);
  return {};
}

at::Tensor read(const std::filesystem::path& path, std::string_view encoder) {
  const auto ending = lower(path.extension().string());
  if (ending != ".safetensors" && ending != ".sft")
    if (const auto vectors = from_torch(path); vectors.defined()) return vectors;
  const auto tensors = load_checkpoint(path);
  for (const auto name : {encoder, std::string_view("emb_params")})
    if (const auto found = tensors.find(name); found != tensors.end()) return found->second;
  return first_of(tensors);
}

}  // namespace

at::Tensor load_embedding(const std::filesystem::path& path, std::string_view encoder) {
  const auto fault = [&](const std::string& what) { return InvalidInput(path.filename().string() + ": " + what); };
  auto vectors = read(path, encoder);
  if (!vectors.defined()) throw fault("it holds no tensor, so it is no embedding");
  if (vectors.dim() == 1) vectors = vectors.unsqueeze(0);
  if (vectors.dim() != 2 || vectors.numel() == 0) throw fault("a tensor of " + std::to_string(vectors.dim()) + " dimensions is no embedding");
  if (!vectors.is_floating_point()) throw fault("its numbers are integers, so it is no embedding");
  return vectors;
}

}  // namespace darkroom
