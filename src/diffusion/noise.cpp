#include "diffusion/noise.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/error.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

/// Limit: batch_index of a latent. Beyond: an error on the sampler's node. Fixed: noises are drawn up to the largest, wanted or not. Edge:
/// Noise.AnIndexHasALimit.
constexpr std::int64_t kMaxIndex = 1 << 20;

class RandomSource final : public NoiseSource {
 public:
  explicit RandomSource(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t seed() const override { return seed_; }
  at::Tensor noise(at::IntArrayRef shape, const std::optional<std::vector<std::int64_t>>& batch_index) const override {
    return prepare_noise(seed_, shape, batch_index);
  }

 private:
  std::uint64_t seed_;
};

class NoSource final : public NoiseSource {
 public:
  std::uint64_t seed() const override { return 0; }
  at::Tensor noise(at::IntArrayRef shape, const std::optional<std::vector<std::int64_t>>&) const override { return no_noise(shape); }
};

}  // namespace

struct NormalSource::Generator {
  at::Generator generator;
};

NormalSource::NormalSource(std::uint64_t seed) : generator_(std::make_unique<Generator>(Generator{at::detail::createCPUGenerator(seed)})) {}
NormalSource::~NormalSource() = default;
NormalSource::NormalSource(NormalSource&&) noexcept = default;

at::Tensor NormalSource::draw(at::IntArrayRef shape) { return at::randn(shape, generator_->generator, at::kFloat); }

at::Tensor prepare_noise(std::uint64_t seed, at::IntArrayRef shape, const std::optional<std::vector<std::int64_t>>& batch_index) {
  NormalSource source(seed);
  if (!batch_index) return source.draw(shape);
  const std::set<std::int64_t> wanted(batch_index->begin(), batch_index->end());
  if (wanted.empty()) throw InvalidInput("batch_index: expected an index for each picture");
  if (*wanted.begin() < 0 || *wanted.rbegin() > kMaxIndex)
    throw InvalidInput("batch_index: expected 0 to " + std::to_string(kMaxIndex) + ", got " + std::to_string(*wanted.begin() < 0 ? *wanted.begin() : *wanted.rbegin()));
  auto one = shape.vec();
  one.at(0) = 1;
  std::map<std::int64_t, at::Tensor> noises;
  for (std::int64_t i = 0; i <= *wanted.rbegin(); ++i) {
    auto noise = source.draw(one);
    if (wanted.contains(i)) noises.emplace(i, std::move(noise));
  }
  std::vector<at::Tensor> picked;
  for (const auto index : *batch_index) picked.push_back(noises.at(index));
  return concat(picked, 0);
}

at::Tensor no_noise(at::IntArrayRef shape) { return at::zeros(shape, at::kFloat); }

at::Tensor fresh_noise(std::uint64_t seed, const at::Tensor& latent) { return NormalSource(seed).draw(latent.sizes()).to(latent.device()); }

std::shared_ptr<const NoiseSource> random_noise(std::uint64_t seed) { return std::make_shared<RandomSource>(seed); }
std::shared_ptr<const NoiseSource> disabled_noise() { return std::make_shared<NoSource>(); }

}  // namespace darkroom
