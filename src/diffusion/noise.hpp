#pragma once
// Noise: normal numbers that depend on nothing but a seed, drawn on the CPU whatever device computes.

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace darkroom {

/// Draws one float32 normal tensor after another from one CPU generator (Mersenne Twister).
class NormalSource {
 public:
  explicit NormalSource(std::uint64_t seed);
  ~NormalSource();
  NormalSource(NormalSource&&) noexcept;
  /// The next tensor, on the CPU.
  at::Tensor draw(at::IntArrayRef shape);

 private:
  struct Generator;
  std::unique_ptr<Generator> generator_;
};

/// The noise that a run starts from, float32 of a latent's shape [B,C,H,W]. With `batch_index` picture k gets the batch_index[k]-th of
/// noises drawn one by one, so that a picture of a batch can be made again alone. Throws InvalidInput for a negative index.
at::Tensor prepare_noise(std::uint64_t seed, at::IntArrayRef shape, const std::optional<std::vector<std::int64_t>>& batch_index = std::nullopt);
at::Tensor no_noise(at::IntArrayRef shape);
/// One tensor from `seed`, shaped like `latent` and on its device.
at::Tensor fresh_noise(std::uint64_t seed, const at::Tensor& latent);

/// NOISE: what a run starts from, and the seed that the sampler's own draws go by.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;
  virtual std::uint64_t seed() const = 0;
  virtual at::Tensor noise(at::IntArrayRef shape, const std::optional<std::vector<std::int64_t>>& batch_index) const = 0;
};

std::shared_ptr<const NoiseSource> random_noise(std::uint64_t seed);
std::shared_ptr<const NoiseSource> disabled_noise();

}  // namespace darkroom
