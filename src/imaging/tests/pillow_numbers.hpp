#pragma once
// Reads tests/data/imaging/pillow.safetensors: what Pillow makes of small pictures.

#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace darkroom::imaging {

struct Numbers {
  std::vector<int> shape;
  std::vector<std::uint8_t> bytes;
};

inline const std::map<std::string, Numbers>& pillow_numbers() {
  static const auto all = [] {
    std::ifstream file(DARKROOM_TEST_DATA "/imaging/pillow.safetensors", std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::uint64_t header_size = 0;
    for (int i = 7; i >= 0; --i) header_size = header_size << 8 | static_cast<std::uint8_t>(text.at(static_cast<std::size_t>(i)));
    std::map<std::string, Numbers> out;
    const json::value header = parse_json(std::string_view(text).substr(8, header_size));
    for (const auto& [name, entry] : header.as_object()) {
      const auto& range = entry.at("data_offsets").as_array();
      Numbers numbers;
      for (const auto& size : entry.at("shape").as_array()) numbers.shape.push_back(size.to_number<int>());
      const auto begin = text.begin() + 8 + static_cast<std::ptrdiff_t>(header_size);
      numbers.bytes.assign(begin + range[0].to_number<std::ptrdiff_t>(), begin + range[1].to_number<std::ptrdiff_t>());
      out.emplace(name, std::move(numbers));
    }
    return out;
  }();
  return all;
}

}  // namespace darkroom::imaging
