#pragma once
// A Brownian motion over noise levels: the same path wherever it is asked, so that samplers with different steps see the same noise.
// Sources: Li et al. 2020 and Kidger et al. 2021 (virtual Brownian trees); the rules of the tree are in tests/data/golden/README.md.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace darkroom {

class BrownianTree {
 public:
  /// On [from, to], both rounded to 6 decimals. A draw has `shape`.
  BrownianTree(double from, double to, std::uint64_t entropy, std::vector<std::int64_t> shape);

  /// W(b) - W(a) for a < b, float32 on the CPU. Times are clamped to the interval and rounded to 6 decimals.
  at::Tensor increment(double a, double b);
  /// What samplers take on their way down from `sigma` to `next`: normal noise of variance 1, the same for the same pair.
  at::Tensor noise(double sigma, double next);

 private:
  struct Node {
    double from, to;
    std::uint64_t path;  ///< number of the node in its level: 2 * parent's + (0 left, 1 right)
    std::uint64_t depth;
    at::Tensor increment;
  };
  using Halves = std::pair<at::Tensor, at::Tensor>;

  at::Tensor draw(std::uint32_t seed) const;
  const Halves& split(const Node& node, double middle);
  void collect(const Node& node, double a, double b, std::vector<at::Tensor>& parts);

  std::uint64_t entropy_;
  std::vector<std::int64_t> shape_;
  Node root_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Halves> halves_;  ///< by (depth, path); emptied when it grows
};

}  // namespace darkroom
