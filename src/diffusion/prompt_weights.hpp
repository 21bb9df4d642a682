#pragma once
// The grammar of weights in prompts: `(x)` is 1.1 times as strong, `(x:w)` has weight w, brackets nest, `\(` and `\)` are text.

#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

struct WeightedText {
  std::string text;  ///< backslashes before brackets taken off
  double weight = 1;
  bool operator==(const WeightedText&) const = default;
};

/// The prompt's pieces in order, none empty. Never fails: a bracket without its partner is text.
/// Linear time and no recursion, however deep the brackets nest.
std::vector<WeightedText> parse_prompt(std::string_view prompt);

}  // namespace darkroom
