#pragma once
// What a fuzz target tells the driver.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// libFuzzer's entry point: reads `data`; whatever is wrong ends the process. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Inputs that mutations begin with.
std::vector<std::string> fuzz_seeds();

/// Words that mean something to the reader; mutations put them in.
std::vector<std::string> fuzz_words();

namespace darkroom {

/// Ends the process with what was broken.
[[noreturn]] void fuzz_fault(const char* what);
inline void fuzz_check(bool holds, const char* rule) {
  if (!holds) fuzz_fault(rule);
}

inline std::string_view view_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

/// Cuts `text` into pieces whose lengths follow from its own bytes, and gives them in order.
template <class Take>
void in_pieces(std::string_view text, Take take) {
  unsigned state = 2166136261u ^ static_cast<unsigned>(text.size());
  while (!text.empty()) {
    state = (state ^ static_cast<unsigned char>(text.front())) * 16777619u;
    const std::size_t length = std::min<std::size_t>(text.size(), 1 + (state >> 16) % 13);
    take(text.substr(0, length));
    text.remove_prefix(length);
  }
}

}  // namespace darkroom
