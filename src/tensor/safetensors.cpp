#include "tensor/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "base/json.hpp"
#include "tensor/mapped_file.hpp"

namespace darkroom {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "weights are read in place");

constexpr std::size_t kPrefix = 8;
/// Limit: header of a .safetensors file, bytes. Beyond: the file is refused. Fixed: the limit of the format's own library. Edge:
/// Safetensors.AHeaderHasALimit.
constexpr std::size_t kMaxHeader = 100'000'000;

struct DType {
  std::string_view name;
  at::ScalarType type;
};
constexpr std::array kDTypes = {
    DType{"F64", at::kDouble},      DType{"F32", at::kFloat},    DType{"F16", at::kHalf},          DType{"BF16", at::kBFloat16},
    DType{"I64", at::kLong},        DType{"I32", at::kInt},      DType{"I16", at::kShort},         DType{"I8", at::kChar},
    DType{"U8", at::kByte},         DType{"BOOL", at::kBool},    DType{"U16", at::kUInt16},        DType{"U32", at::kUInt32},
    DType{"U64", at::kUInt64},      DType{"C64", at::kComplexFloat}, DType{"F8_E4M3", at::kFloat8_e4m3fn}, DType{"F8_E5M2", at::kFloat8_e5m2},
};

std::optional<at::ScalarType> dtype_of(std::string_view name) {
  for (const auto& entry : kDTypes)
    if (entry.name == name) return entry.type;
  return std::nullopt;
}

std::string_view name_of(at::ScalarType type) {
  for (const auto& entry : kDTypes)
    if (entry.type == type) return entry.name;
  throw InvalidInput(std::string("safetensors has no dtype for ") + c10::toString(type));
}

std::uint64_t header_length(std::string_view bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kPrefix);
  return length;
}

/// A JSON number that is a non-negative integer.
std::optional<std::int64_t> as_size(const json::value& value) {
  if (value.is_int64() && value.get_int64() >= 0) return value.get_int64();
  return std::nullopt;
}

struct Entry {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::size_t begin, end;  // within the data
};

Entry parse_entry(std::string_view name, const json::value& value, const std::string& where) {
  const std::string what = where + "tensor '" + std::string(name.substr(0, 200)) + "' ";
  const auto* object = value.if_object();
  const auto dtype_name = object ? find_string(*object, "dtype") : std::nullopt;
  const auto* shape = object ? find_array(*object, "shape") : nullptr;
  const auto* offsets = object ? find_array(*object, "data_offsets") : nullptr;
  if (!dtype_name || !shape || !offsets || offsets->size() != 2) throw InvalidInput(what + "lacks dtype, shape or data_offsets");
  const auto dtype = dtype_of(*dtype_name);
  if (!dtype) throw InvalidInput(what + "has the unknown dtype " + dtype_name->substr(0, 40));
  Entry entry{std::string(name), *dtype, {}, 0, 0};
  if (shape->size() > 64) throw InvalidInput(what + "has too many dimensions");
  for (const auto& item : *shape) {
    const auto size = as_size(item);
    if (!size) throw InvalidInput(what + "has a shape that isn't made of sizes");
    entry.shape.push_back(*size);
  }
  const auto begin = as_size((*offsets)[0]), end = as_size((*offsets)[1]);
  const auto numel = checked_numel(entry.shape);
  std::int64_t length = 0;
  if (!begin || !end || *end < *begin || !numel ||
      __builtin_mul_overflow(*numel, static_cast<std::int64_t>(c10::elementSize(*dtype)), &length) || *end - *begin != length)
    throw InvalidInput(what + "has data_offsets that don't fit its shape and dtype");
  entry.begin = static_cast<std::size_t>(*begin);
  entry.end = static_cast<std::size_t>(*end);
  return entry;
}

}  // namespace

bool looks_like_safetensors(std::string_view bytes) {
  return bytes.size() > kPrefix && header_length(bytes) <= bytes.size() - kPrefix && bytes[kPrefix] == '{';
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const std::string where = path.filename().string() + ": ";
  const auto bytes = file->bytes();
  if (bytes.size() < kPrefix) throw InvalidInput(where + "too short for a safetensors file");
  const auto length = header_length(bytes);
  if (length > kMaxHeader) throw InvalidInput(where + "the header is too large, or this isn't a safetensors file");
  if (length > bytes.size() - kPrefix) throw InvalidInput(where + "the header goes beyond the end of the file; is it cut short?");

  json::value parsed;
  try {
    parsed = parse_json(bytes.substr(kPrefix, length), {.max_bytes = kMaxHeader, .max_depth = 8});
  } catch (const Error& error) {
    throw InvalidInput(where + "the header isn't valid: " + error.what());
  }
  const auto* header = parsed.if_object();
  if (!header) throw InvalidInput(where + "the header isn't an object");

  Safetensors result;
  std::vector<Entry> entries;
  entries.reserve(header->size());
  for (const auto& [key, value] : *header) {
    if (key == "__metadata__") {
      const auto* metadata = value.if_object();
      if (!metadata) throw InvalidInput(where + "__metadata__ isn't an object");
      for (const auto& [name, text] : *metadata) {
        if (!text.is_string()) throw InvalidInput(where + "__metadata__ holds something that isn't a text");
        result.metadata.emplace(name, text.get_string());
      }
      continue;
    }
    entries.push_back(parse_entry(key, value, where));
  }

  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  const std::size_t data = kPrefix + length;
  std::size_t expected = 0;
  for (auto& entry : entries) {
    if (entry.begin != expected) throw InvalidInput(where + "tensor '" + entry.name + "' overlaps another or leaves a hole");
    expected = entry.end;
    if (expected > bytes.size() - data) throw InvalidInput(where + "tensor '" + entry.name + "' goes beyond the end of the file; is it cut short?");
    result.tensors.emplace(std::move(entry.name), tensor_in(file, data + entry.begin, entry.shape, entry.dtype));
  }
  if (expected != bytes.size() - data) throw InvalidInput(where + "there is data that belongs to no tensor");
  return result;
}

std::string safetensors_head(std::vector<TensorEntry>& entries, const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    const auto left = c10::elementSize(a.dtype), right = c10::elementSize(b.dtype);
    return left != right ? left > right : a.name < b.name;
  });
  json::object header;
  if (!metadata.empty()) {
    json::object texts;
    for (const auto& [name, text] : metadata) texts[name] = text;
    header["__metadata__"] = std::move(texts);
  }
  std::size_t offset = 0;
  for (const auto& [name, dtype, sizes] : entries) {
    json::array shape;
    std::size_t bytes = c10::elementSize(dtype);
    for (const auto size : sizes) {
      shape.emplace_back(size);
      bytes *= static_cast<std::size_t>(size);
    }
    json::object entry;
    entry["dtype"] = name_of(dtype);
    entry["shape"] = std::move(shape);
    entry["data_offsets"] = json::array{static_cast<std::int64_t>(offset), static_cast<std::int64_t>(offset + bytes)};
    if (!header.emplace(name, std::move(entry)).second) throw InvalidInput("safetensors: two tensors named " + name);
    offset += bytes;
  }
  std::string text;
  dump_to(text, header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data begins aligned
  const std::uint64_t length = text.size();
  std::string head(reinterpret_cast<const char*>(&length), kPrefix);
  head += text;
  return head;
}

std::string dump_safetensors(const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                             const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::map<std::string, at::Tensor> held;
  std::vector<TensorEntry> entries;
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
    bytes += tensor.nbytes();
    held.emplace(name, tensor.cpu().contiguous());
  }
  auto out = safetensors_head(entries, metadata);
  out.reserve(out.size() + bytes);
  for (const auto& entry : entries) {
    const auto& tensor = held.at(entry.name);
    out.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  }
  return out;
}

}  // namespace darkroom
