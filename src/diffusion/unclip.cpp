#include "diffusion/unclip.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/timestep_embedding.hpp"
#include "tensor/concat.hpp"
#include "tensor/weights.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kLevels = 1000;
constexpr double kMergedNoise = 0.05;  // share of the noise that a sum of several pictures gets
constexpr std::uint64_t kSeedOffset = 10;  // the noise's seed is the run's less this

/// The product of alphas up to each level.
const std::array<double, kLevels>& alphas() {
  static const auto table = [] {
    constexpr double kOffset = 0.008, kLargestBeta = 0.999;
    const auto bar = [](double t) { return std::pow(std::cos((t + kOffset) / (1 + kOffset) * std::numbers::pi / 2), 2); };
    std::array<double, kLevels> products{};
    double product = 1;
    for (std::int64_t i = 0; i < kLevels; ++i) {
      product *= 1 - std::min(1 - bar(static_cast<double>(i + 1) / kLevels) / bar(static_cast<double>(i) / kLevels), kLargestBeta);
      products[static_cast<std::size_t>(i)] = product;
    }
    return products;
  }();
  return table;
}

}  // namespace

std::int64_t noise_level(double share) { return std::llrint((kLevels - 1) * share); }

at::Tensor noised_picture(const at::Tensor& embedding, std::int64_t level, const at::Tensor& noise) {
  if (embedding.dim() != 2) throw InvalidInput("unCLIP: a picture's vector of shape " + shape_text(embedding));
  if (level < 0 || level >= kLevels) throw InvalidInput("unCLIP: a noise of level " + std::to_string(level) + ", 0 to " + std::to_string(kLevels - 1) + " are known");
  const double kept = alphas()[static_cast<std::size_t>(level)];
  const auto noised = embedding.to(at::kFloat) * std::sqrt(kept) + noise * std::sqrt(1 - kept);
  return concat({noised, timestep_embedding(at::full({embedding.size(0)}, static_cast<double>(level), at::kFloat), embedding.size(1))}, 1);
}

at::Tensor unclip_vector(std::int64_t width, const std::vector<UnclipImage>& pictures, std::uint64_t seed) {
  // Every picture gets the first noise of one generator, their sum the second.
  NormalSource source(seed - kSeedOffset);
  const auto noise = source.draw({1, width});
  at::Tensor sum;
  std::int64_t count = 0;
  for (const auto& picture : pictures) {
    if (picture.embedding.dim() != 2 || picture.embedding.size(1) != width)
      throw InvalidInput("unCLIP: pictures' vectors of shape " + shape_text(picture.embedding) + ", the model takes " + std::to_string(width) + " numbers: they were made by another vision encoder");
    for (std::int64_t i = 0; i < picture.embedding.size(0); ++i, ++count) {
      const auto one = noised_picture(picture.embedding.narrow(0, i, 1), noise_level(picture.noise_augmentation), noise) * picture.strength;
      sum = sum.defined() ? sum + one : one;
    }
  }
  if (count == 0) return at::zeros({1, 2 * width}, at::kFloat);
  if (count == 1) return sum;
  return noised_picture(sum.narrow(1, 0, width), noise_level(kMergedNoise), source.draw({1, width}));
}

}  // namespace darkroom
