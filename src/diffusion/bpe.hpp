#pragma once
// Byte-pair encoding with CLIP's published merges (src/diffusion/vocabulary).
// Source: Sennrich et al. 2016; Radford et al. 2021, section 2.4, for CLIP's alphabet and end-of-word marks.

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace darkroom {

/// The merges with the ids that CLIP's vocabulary gives to what they make: 256 bytes, 256 bytes that end a word, one id for each
/// merge in order of rank, and the two marks.
class Bpe {
 public:
  static constexpr int kStart = 49406, kEnd = 49407;

  /// The vocabulary that is part of the program, unpacked at first use.
  static const Bpe& clip();

  /// Appends the ids of one word, any bytes. O(n log n) in its length.
  void append(std::string_view word, std::vector<int>& ids) const;

 private:
  explicit Bpe(std::string_view merges);
  int merged(int left, int right) const;  ///< -1: no such pair

  std::unordered_map<std::uint64_t, int> pairs_;  ///< (left id, right id) -> id of both; a lower id is merged first
};

}  // namespace darkroom
