#pragma once
// Random choices of the dataset nodes, as numpy.random.RandomState(seed % (2^32 - 1)) makes them.

#include <cstdint>
#include <random>
#include <vector>

namespace darkroom {

/// NumPy's legacy generator: MT19937 seeded by one 32-bit word, bounded numbers by masking and rejection.
class LegacyRandom {
 public:
  explicit LegacyRandom(std::uint64_t seed);
  /// Uniform in 0..max, both included. Draws nothing for 0.
  std::uint32_t up_to(std::uint32_t max);
  /// RandomState.permutation(count).
  std::vector<std::size_t> permutation(std::size_t count);

 private:
  std::mt19937 bits_;
};

}  // namespace darkroom
