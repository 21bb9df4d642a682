#pragma once
// The golden numbers of single parts (tests/data/golden/unit) and the small models that they were measured with.

#include <ATen/core/Tensor.h>
#include <ATen/ops/abs.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tensor/safetensors.hpp"
#include "tensor/weights.hpp"

namespace darkroom {

/// The tensors of unit/<name>.safetensors; another folder by $DARKROOM_GOLDEN_UNIT.
inline StateDict golden_unit(const std::string& name) {
  const char* folder = std::getenv("DARKROOM_GOLDEN_UNIT");
  return read_safetensors(std::filesystem::path(folder && *folder ? folder : DARKROOM_TEST_DATA "/golden/unit") / (name + ".safetensors")).tensors;
}

/// A file below $DARKROOM_GOLDEN_MODELS (made by tests/data/golden/make_models.py); nothing when that is not set.
inline std::optional<std::filesystem::path> golden_model(const std::string& name) {
  const char* folder = std::getenv("DARKROOM_GOLDEN_MODELS");
  if (!folder || !*folder) return std::nullopt;
  return std::filesystem::path(folder) / name;
}

inline Weights weights_of(const std::filesystem::path& safetensors) {
  return Weights(std::make_shared<const StateDict>(read_safetensors(safetensors).tensors));
}

/// Root mean square of the difference relative to that of `want`.
inline double relative_error(const at::Tensor& got, const at::Tensor& want) {
  const auto d = got.to(at::kDouble).sub(want.to(at::kDouble));
  return std::sqrt(d.square().mean().item<double>() / want.to(at::kDouble).square().mean().item<double>());
}

/// Decibels of `want`'s largest value over the root mean square of the difference.
inline double psnr(const at::Tensor& got, const at::Tensor& want) {
  const auto d = got.to(at::kDouble).sub(want.to(at::kDouble));
  return 20 * std::log10(want.abs().max().item<double>()) - 10 * std::log10(d.square().mean().item<double>());
}

}  // namespace darkroom
