#pragma once
// Mixes an entropy and a spawn key into good seeds: NumPy's SeedSequence, bit for bit.
// Source: O'Neill 2015, "Developing a seed_seq alternative" (randutils), and NumPy's documentation of SeedSequence.

#include <cstdint>
#include <vector>

namespace darkroom {

/// The first `words` 32-bit words of SeedSequence(entropy, spawn_key, pool_size). Empty key: none given.
std::vector<std::uint32_t> seed_sequence(std::uint64_t entropy, const std::vector<std::uint64_t>& spawn_key, std::size_t pool_size, std::size_t words);

}  // namespace darkroom
