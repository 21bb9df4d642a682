#pragma once
// What the machine computes with, read from the kernel's own files.

#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

struct Processor {
  std::string model;
  unsigned threads = 0;
  std::vector<std::string> features;  ///< those that matter here, of kFeatures in that order
  bool has(std::string_view feature) const;
};

/// Of /proc/cpuinfo's text.
Processor parse_cpuinfo(std::string_view text);

/// The features that the networks make use of, slowest first.
std::vector<std::string> known_features();

}  // namespace darkroom
