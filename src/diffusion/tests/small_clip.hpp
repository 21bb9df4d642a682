#pragma once
// A text encoder of two narrow layers with random weights, in the forms that checkpoints have them.

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>

#include <string>

#include "tensor/state_dict.hpp"

namespace darkroom {

/// Numbers that look random and are the same everywhere.
inline at::Tensor scattered(at::IntArrayRef sizes, double amplitude, int salt) {
  std::int64_t count = 1;
  for (const auto size : sizes) count *= size;
  return at::arange(count, at::kDouble).add(salt).mul(12.9898).sin().mul(43758.5453).frac().mul(amplitude).reshape(sizes).to(at::kHalf);
}

/// In the names of the transformers library, below `prefix` ("cond_stage_model.transformer.text_model.").
inline StateDict small_clip(const std::string& prefix, std::int64_t width = 64, int layers = 2) {
  StateDict tensors;
  int salt = 0;
  const auto add = [&](const std::string& name, at::IntArrayRef sizes, double amplitude) { tensors.emplace(prefix + name, scattered(sizes, amplitude, ++salt)); };
  const auto affine = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in}, .2);
    add(name + ".bias", {out}, .1);
  };
  const auto norm = [&](const std::string& name) {
    tensors.emplace(prefix + name + ".weight", at::ones({width}, at::kHalf));
    add(name + ".bias", {width}, .1);
  };
  add("embeddings.token_embedding.weight", {49408, width}, 1);
  add("embeddings.position_embedding.weight", {77, width}, .5);
  for (int i = 0; i < layers; ++i) {
    const auto layer = "encoder.layers." + std::to_string(i) + ".";
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"}) affine(layer + name, width, width);
    affine(layer + "mlp.fc1", 4 * width, width);
    affine(layer + "mlp.fc2", width, 4 * width);
    norm(layer + "layer_norm1");
    norm(layer + "layer_norm2");
  }
  norm("final_layer_norm");
  return tensors;
}

}  // namespace darkroom
