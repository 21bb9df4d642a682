#include "diffusion/seed_sequence.hpp"

namespace darkroom {
namespace {

// O'Neill's constants. A hash's multiplier changes with every use, so that equal words at different places hash differently.
constexpr std::uint32_t kInitA = 0x43b0d7e5, kMultA = 0x931e8875;
constexpr std::uint32_t kInitB = 0x8b51f9dd, kMultB = 0x58f38ded;
constexpr std::uint32_t kMixLeft = 0xca01f9dd, kMixRight = 0x4973f715;
constexpr int kShift = 16;

std::uint32_t hashed(std::uint32_t value, std::uint32_t& constant, std::uint32_t multiplier) {
  value ^= constant;
  constant *= multiplier;
  value *= constant;
  return value ^ (value >> kShift);
}

std::uint32_t mixed(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t result = kMixLeft * a - kMixRight * b;
  return result ^ (result >> kShift);
}

/// The words of a number, lowest first; 0 is one word.
void append_words(std::vector<std::uint32_t>& words, std::uint64_t number) {
  words.push_back(static_cast<std::uint32_t>(number));
  if (number >> 32) words.push_back(static_cast<std::uint32_t>(number >> 32));
}

}  // namespace

std::vector<std::uint32_t> seed_sequence(std::uint64_t entropy, const std::vector<std::uint64_t>& spawn_key, std::size_t pool_size, std::size_t words) {
  std::vector<std::uint32_t> input;
  append_words(input, entropy);
  if (!spawn_key.empty()) input.resize(pool_size > input.size() ? pool_size : input.size());  // so that a key never looks like more entropy
  for (const auto number : spawn_key) append_words(input, number);

  std::vector<std::uint32_t> pool(pool_size);
  std::uint32_t constant = kInitA;
  for (std::size_t i = 0; i < pool_size; ++i) pool[i] = hashed(i < input.size() ? input[i] : 0, constant, kMultA);
  for (std::size_t from = 0; from < pool_size; ++from)
    for (std::size_t to = 0; to < pool_size; ++to)
      if (from != to) pool[to] = mixed(pool[to], hashed(pool[from], constant, kMultA));
  for (std::size_t from = pool_size; from < input.size(); ++from)
    for (auto& word : pool) word = mixed(word, hashed(input[from], constant, kMultA));

  std::vector<std::uint32_t> state(words);
  constant = kInitB;
  for (std::size_t i = 0; i < words; ++i) state[i] = hashed(pool[i % pool_size], constant, kMultB);
  return state;
}

}  // namespace darkroom
