#include "nodes/shuffling.hpp"

#include <bit>
#include <numeric>
#include <utility>

namespace darkroom {

LegacyRandom::LegacyRandom(std::uint64_t seed) : bits_(static_cast<std::uint32_t>(seed % 0xffffffffull)) {}

std::uint32_t LegacyRandom::up_to(std::uint32_t max) {
  if (max == 0) return 0;
  const auto mask = static_cast<std::uint32_t>((std::uint64_t{1} << std::bit_width(max)) - 1);
  for (;;) {
    const std::uint32_t value = static_cast<std::uint32_t>(bits_()) & mask;
    if (value <= max) return value;
  }
}

std::vector<std::size_t> LegacyRandom::permutation(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i-- > 1;) std::swap(order[i], order[up_to(static_cast<std::uint32_t>(i))]);
  return order;
}

}  // namespace darkroom
