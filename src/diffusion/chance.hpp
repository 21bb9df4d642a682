#pragma once
// Numbers by chance for model patches that choose (ToMe, HyperTile), the same ones for the same seed.

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace darkroom {

/// The generator of a run's noise, as it is left when the noise has been drawn. Nothing is made before the first draw.
class Chance {
 public:
  /// `noise_shape`, `batch_index`: as of prepare_noise.
  Chance(std::uint64_t seed, std::vector<std::int64_t> noise_shape, std::optional<std::vector<std::int64_t>> batch_index)
      : seed_(seed), noise_shape_(std::move(noise_shape)), batch_index_(std::move(batch_index)) {}
  /// int64 of `shape`, each from 0 to below `end`; on the CPU.
  at::Tensor integers(std::int64_t end, at::IntArrayRef shape);

 private:
  std::uint64_t seed_;
  std::vector<std::int64_t> noise_shape_;
  std::optional<std::vector<std::int64_t>> batch_index_;
  std::optional<at::Generator> generator_;
};

}  // namespace darkroom
