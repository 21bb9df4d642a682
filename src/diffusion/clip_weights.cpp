#include "diffusion/clip_weights.hpp"

#include <ATen/ops/index_select.h>

#include <array>
#include <vector>

#include "base/error.hpp"
#include "diffusion/clip_chunks.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kVocabulary = 49408, kHeadWidth = 64, kMlpFactor = 4;
const std::string kModel = "transformer.text_model.", kProjection = "transformer.text_projection.weight";

const at::Tensor* find(const StateDict& file, const std::string& name) {
  const auto found = file.find(name);
  return found == file.end() ? nullptr : &found->second;
}

/// A short table of tokens, of those that a small model knows (models/training/words), becomes one with a row for each token of the vocabulary:
/// `rows` says which of the table's it is.
at::Tensor whole_table(const at::Tensor& table, const at::Tensor& rows) {
  const auto wrong = [](const std::string& what) { return InvalidInput("the text encoder's token_rows " + what); };
  if (table.dim() != 2) throw wrong("come with a table that has not two dimensions");
  if (rows.sizes() != at::IntArrayRef{kVocabulary} || !at::isIntegralType(rows.scalar_type(), /*includeBool=*/false))
    throw wrong("are no " + std::to_string(kVocabulary) + " whole numbers");
  const auto index = rows.to(at::kLong);
  if (index.min().item<std::int64_t>() < 0 || index.max().item<std::int64_t>() >= table.size(0)) throw wrong("name rows that the table has not");
  return table.index_select(0, index);
}

/// transformers: names below `model` are the wanted ones already.
StateDict from_transformers(const StateDict& file, const std::string& model, const std::string& top) {
  StateDict tensors;
  each_below(file, model, [&](const std::string& name, const at::Tensor& tensor) {
    if (name.starts_with("embeddings.") || name.starts_with("encoder.layers.") || name.starts_with("final_layer_norm."))
      if (!name.ends_with("position_ids") && !name.ends_with("token_rows")) tensors.emplace(kModel + name, tensor);
  });
  if (const auto* rows = find(file, model + "embeddings.token_rows")) {
    auto& table = tensors.at(kModel + "embeddings.token_embedding.weight");
    table = whole_table(table, *rows);
  }
  if (const auto* projection = find(file, top + "text_projection.weight")) tensors.emplace(kProjection, *projection);
  return tensors;
}

/// OpenCLIP's name of a part of a layer, and ours.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kLayerParts{{
    {"ln_1.", "layer_norm1."}, {"ln_2.", "layer_norm2."}, {"attn.out_proj.", "self_attn.out_proj."}, {"mlp.c_fc.", "mlp.fc1."}, {"mlp.c_proj.", "mlp.fc2."}}};

void add_layer_tensor(const std::string& layer, std::string_view name, const at::Tensor& tensor, StateDict& tensors) {
  for (const auto& [theirs, ours] : kLayerParts)
    if (name.starts_with(theirs)) tensors.emplace(layer + std::string(ours) + std::string(name.substr(theirs.size())), tensor);
  const bool weight = name == "attn.in_proj_weight";
  if (!weight && name != "attn.in_proj_bias") return;
  if (tensor.dim() == 0 || tensor.size(0) % 3 != 0) throw InvalidInput("the text encoder's " + std::string(name) + " does not hold three projections");
  const auto parts = tensor.chunk(3, 0);
  const std::string suffix = weight ? "_proj.weight" : "_proj.bias";
  for (std::size_t i = 0; i < parts.size(); ++i) tensors.emplace(layer + "self_attn." + std::string(1, "qkv"[i]) + suffix, parts[i]);
}

StateDict from_open_clip(const StateDict& file, const std::string& prefix) {
  StateDict tensors;
  each_below(file, prefix, [&](const std::string& name, const at::Tensor& tensor) {
    constexpr std::string_view kBlocks = "transformer.resblocks.";
    if (name == "token_embedding.weight") tensors.emplace(kModel + "embeddings.token_embedding.weight", tensor);
    else if (name == "positional_embedding") tensors.emplace(kModel + "embeddings.position_embedding.weight", tensor);
    else if (name.starts_with("ln_final.")) tensors.emplace(kModel + "final_layer_norm." + name.substr(9), tensor);
    else if (name == "text_projection" && tensor.dim() == 2) tensors.emplace(kProjection, tensor.t());
    else if (name == "text_projection.weight") tensors.emplace(kProjection, tensor);
    else if (name.starts_with(kBlocks)) {
      const auto dot = name.find('.', kBlocks.size());
      if (dot == name.npos) return;
      const auto layer = kModel + "encoder.layers." + name.substr(kBlocks.size(), dot - kBlocks.size()) + ".";
      add_layer_tensor(layer, std::string_view(name).substr(dot + 1), tensor, tensors);
    }
  });
  return tensors;
}

/// Every tensor that the encoder reads, in its shape.
void check_shapes(const FoundTextEncoder& found, std::string_view where) {
  const auto width = found.width;
  const auto expect = [&](const std::string& name, const std::vector<std::int64_t>& sizes) {
    const auto* tensor = find(found.tensors, name);
    const auto fault = [&](const std::string& what) { return InvalidInput("the text encoder " + std::string(where) + " " + what + " " + name); };
    if (!tensor) throw fault("has no");
    if (!tensor->is_floating_point()) throw fault("has integers in");
    if (tensor->sizes() != at::IntArrayRef(sizes)) throw fault("has a wrong shape of");
  };
  const auto affine = [&](const std::string& name, std::vector<std::int64_t> sizes) {
    expect(name + ".weight", sizes);
    sizes.resize(1);
    expect(name + ".bias", sizes);
  };
  if (width % kHeadWidth != 0) throw InvalidInput("the text encoder " + std::string(where) + " has the width " + std::to_string(width) + ", which is no multiple of 64");
  expect(kModel + "embeddings.token_embedding.weight", {kVocabulary, width});
  expect(kModel + "embeddings.position_embedding.weight", {kChunkTokens, width});
  affine(kModel + "final_layer_norm", {width});
  for (std::int64_t i = 0; i < found.layers; ++i) {
    const auto layer = kModel + "encoder.layers." + std::to_string(i) + ".";
    for (const char* norm : {"layer_norm1", "layer_norm2"}) affine(layer + norm, {width});
    for (const char* projection : {"q_proj", "k_proj", "v_proj", "out_proj"}) affine(layer + "self_attn." + projection, {width, width});
    affine(layer + "mlp.fc1", {kMlpFactor * width, width});
    affine(layer + "mlp.fc2", {width, kMlpFactor * width});
  }
  if (const auto* projection = find(found.tensors, kProjection); projection && (projection->dim() != 2 || projection->size(1) != width))
    throw InvalidInput("the text encoder " + std::string(where) + " has a text_projection of a wrong shape");
}

}  // namespace

std::optional<FoundTextEncoder> find_text_encoder(const StateDict& file, std::string_view prefix) {
  const std::string top(prefix);
  FoundTextEncoder found;
  if (find(file, top + "text_model.embeddings.token_embedding.weight")) found.tensors = from_transformers(file, top + "text_model.", top);
  else if (find(file, top + "embeddings.token_embedding.weight")) found.tensors = from_transformers(file, top, top);
  else if (find(file, top + "token_embedding.weight") && find(file, top + "transformer.resblocks.0.ln_1.weight")) found.tensors = from_open_clip(file, top);
  else return std::nullopt;

  const auto& table = found.tensors.at(kModel + "embeddings.token_embedding.weight");
  if (table.dim() != 2) throw InvalidInput("the text encoder " + top + " has a wrong shape of token_embedding.weight");
  found.width = table.size(1);
  while (find(found.tensors, kModel + "encoder.layers." + std::to_string(found.layers) + ".layer_norm1.weight")) ++found.layers;
  if (found.layers == 0) throw InvalidInput("the text encoder " + top + " has no layers");
  check_shapes(found, top);
  return found;
}

}  // namespace darkroom
