#include "diffusion/brownian.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "base/error.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/seed_sequence.hpp"

namespace darkroom {
namespace {

constexpr std::size_t kPool = 24;
constexpr std::size_t kMostKept = 128;  ///< splits kept: those of a few queries; the others are made again

/// To 6 decimals, of the exact decimal value: what is a tie in binary seldom is one.
double rounded(double time) {
  char digits[400];
  const auto end = std::to_chars(digits, std::end(digits), time, std::chars_format::fixed, 6).ptr;
  std::from_chars(digits, end, time);
  return time;
}

}  // namespace

BrownianTree::BrownianTree(double from, double to, std::uint64_t entropy, std::vector<std::int64_t> shape)
    : entropy_(entropy), shape_(std::move(shape)), root_{rounded(from), rounded(to), 0, 0, {}} {
  if (!std::isfinite(from) || !std::isfinite(to) || !(root_.to > root_.from))
    throw InvalidInput("Brownian noise needs two different finite sigmas, got " + std::to_string(from) + " to " + std::to_string(to));
  root_.increment = draw(seed_sequence(entropy_, {}, kPool, 1)[0]).mul_(std::sqrt(root_.to - root_.from));
}

at::Tensor BrownianTree::draw(std::uint32_t seed) const { return NormalSource(seed).draw(shape_); }

const BrownianTree::Halves& BrownianTree::split(const Node& node, double middle) {
  const auto key = std::pair(node.depth, node.path);
  if (const auto known = halves_.find(key); known != halves_.end()) return known->second;
  if (halves_.size() >= kMostKept) halves_.clear();
  const double left = middle - node.from, right = node.to - middle, whole = node.to - node.from;
  const auto seed = seed_sequence(entropy_, {node.path, node.depth}, kPool, 1)[0];
  // The bridge between the ends (Levy): its mean, and its spread around it.
  auto first = node.increment.mul(left).mul_(1 / whole).add_(draw(seed).mul_(std::sqrt(left * right / whole)));
  auto second = node.increment - first;
  return halves_.emplace(key, Halves{std::move(first), std::move(second)}).first->second;
}

void BrownianTree::collect(const Node& node, double a, double b, std::vector<at::Tensor>& parts) {
  if (a <= node.from && node.to <= b) {
    parts.push_back(node.increment);
    return;
  }
  const double middle = rounded((node.from + node.to) / 2);
  const Halves halves = split(node, middle);
  if (a < middle) collect({node.from, middle, 2 * node.path, node.depth + 1, halves.first}, a, b, parts);
  if (b > middle) collect({middle, node.to, 2 * node.path + 1, node.depth + 1, halves.second}, a, b, parts);
}

at::Tensor BrownianTree::increment(double a, double b) {
  a = std::clamp(rounded(a), root_.from, root_.to);
  b = std::clamp(rounded(b), root_.from, root_.to);
  std::vector<at::Tensor> parts;
  if (a < b) collect(root_, a, b, parts);
  auto sum = parts.empty() ? at::zeros(shape_, at::kFloat) : parts.front().clone();
  for (std::size_t i = 1; i < parts.size(); ++i) sum.add_(parts[i]);
  return sum;
}

at::Tensor BrownianTree::noise(double sigma, double next) {
  const float distance = std::abs(static_cast<float>(next) - static_cast<float>(sigma));
  auto noise = next < sigma ? increment(next, sigma).neg_() : increment(sigma, next);
  return distance > 0 ? noise.div_(std::sqrt(distance)) : noise;
}

}  // namespace darkroom
