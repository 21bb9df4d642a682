#include "storage/safetensors_head.hpp"

#include <cstdint>
#include <fstream>

#include "base/dimensions.hpp"
#include "base/error.hpp"

namespace darkroom {

std::optional<json::object> safetensors_metadata(const std::filesystem::path& file, std::size_t max_bytes) {
  std::ifstream stream(file, std::ios::binary);
  unsigned char bytes[8];
  if (!stream.read(reinterpret_cast<char*>(bytes), sizeof bytes)) return std::nullopt;
  std::uint64_t size = 0;
  for (int i = 7; i >= 0; --i) size = size << 8 | bytes[i];
  if (size > max_bytes) return std::nullopt;
  std::string head(size, '\0');
  if (!stream.read(head.data(), static_cast<std::streamsize>(size))) return std::nullopt;
  try {
    const json::value value = parse_json(head);
    const json::object* object = value.if_object();
    const json::object* metadata = object ? find_object(*object, "__metadata__") : nullptr;
    if (metadata) return *metadata;
  } catch (const Error&) {
    // no JSON: no metadata
  }
  return std::nullopt;
}

std::optional<std::pair<std::int64_t, std::int64_t>> resolution_of(const json::object& metadata) {
  const auto text = find_string(metadata, "modelspec.resolution");
  return text ? dimensions(*text) : std::nullopt;
}

}  // namespace darkroom
