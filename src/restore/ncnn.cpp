#include "restore/ncnn.hpp"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kMagic = "7767517";
/// Limit: a .param file of ncnn, bytes. Beyond: the file is refused. Fixed: it holds a line a layer; the largest known has 100 KiB. Edge:
/// Ncnn.AGraphHasALimit.
constexpr std::size_t kMaxParam = 16u << 20;
constexpr std::uint32_t kHalf = 0x01306B47, kFloat = 0, kFloatToo = 0x0002C056, kInt8 = 0x000D4B38;

[[noreturn]] void fault(std::size_t line, const std::string& what) { throw InvalidInput("line " + std::to_string(line) + ": " + what); }

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  for (std::size_t at = 0; at < line.size();) {
    const auto begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find_first_of(" \t\r", begin), line.size());
    result.push_back(line.substr(begin, at - begin));
  }
  return result;
}

template <class T>
T parse(std::string_view text, std::size_t line) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) fault(line, "'" + std::string(text.substr(0, 40)) + "' isn't a number");
  if constexpr (std::is_same_v<T, double>)
    if (!std::isfinite(value)) fault(line, "a number that isn't finite");
  return value;
}

void parse_parameter(NcnnLayer& layer, std::string_view word, std::size_t line) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) fault(line, "'" + std::string(word.substr(0, 40)) + "' isn't key=value");
  const int key = parse<int>(word.substr(0, equals), line);
  const auto value = word.substr(equals + 1);
  if (key > -23300) {
    layer.numbers[key] = parse<double>(value, line);
    return;
  }
  const auto parts = split(value, ',');
  auto& array = layer.arrays[-23300 - key];
  for (std::size_t i = 1; i < parts.size(); ++i) array.push_back(parse<double>(parts[i], line));
  if (parse<std::size_t>(parts[0], line) != array.size()) fault(line, "an array of another length than it says");
}

/// Reads the .bin front to back.
class WeightReader {
 public:
  explicit WeightReader(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}

  /// Plain float32, no flag.
  at::Tensor plain(std::int64_t count) { return tensor_in(file_, take(bytes_of(count, 4)), {count}, at::kFloat); }

  /// A block with its flag in front.
  at::Tensor flagged(std::int64_t count) {
    std::uint32_t flag = 0;
    std::memcpy(&flag, file_->bytes().data() + take(4), 4);
    switch (flag) {
      case kFloat: case kFloatToo: return plain(count);
      case kHalf: return tensor_in(file_, take((bytes_of(count, 2) + 3) / 4 * 4), {count}, at::kHalf);
      case kInt8: throw InvalidInput("int8 weights aren't supported");
      default: break;
    }
    const auto table = plain(256);
    const auto index = tensor_in(file_, take((bytes_of(count, 1) + 3) / 4 * 4), {count}, at::kByte);
    return table.index_select(0, index.to(at::kInt));
  }

  std::size_t left() const { return file_->size() - at_; }

 private:
  static std::size_t bytes_of(std::int64_t count, std::int64_t item) {
    if (count < 1 || count > (std::int64_t{1} << 40)) throw InvalidInput("an impossible number of weights");
    return static_cast<std::size_t>(count * item);
  }
  std::size_t take(std::size_t count) {
    if (count > left()) throw InvalidInput("it is too short for the layers of its .param");
    const auto at = at_;
    at_ += count;
    return at;
  }

  std::shared_ptr<const MappedFile> file_;
  std::size_t at_ = 0;
};

// Kinds without weights that parse; recognise_ncnn decides whether the graph makes sense.
const std::set<std::string, std::less<>> kPlainKinds = {"Input",  "Split",        "Concat",  "Eltwise", "BinaryOp",
                                                        "Interp", "PixelShuffle", "Pooling", "Scale",   "Crop"};

std::string read_text(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  if (file->size() > kMaxParam) throw TooLarge(path.filename().string() + ": too large for a .param file");
  return std::string(file->bytes());
}

std::filesystem::path weights_beside(const std::filesystem::path& param) {
  auto binary = std::filesystem::path(param).replace_extension(".bin");
  if (std::filesystem::exists(binary)) return binary;
  const auto stem = param.stem().string();
  if (stem.ends_with("-x2") || stem.ends_with("-x3")) {
    const auto shared = param.parent_path() / (stem.substr(0, stem.size() - 3) + "-x4.bin");
    if (std::filesystem::exists(shared)) return shared;
  }
  throw NotFound(param.filename().string() + ": there is no " + binary.filename().string() + " beside it");
}

}  // namespace

double NcnnLayer::number(int id, double fallback) const {
  const auto found = numbers.find(id);
  return found == numbers.end() ? fallback : found->second;
}

std::int64_t NcnnLayer::integer(int id, std::int64_t fallback) const {
  const double value = number(id, static_cast<double>(fallback));
  if (value != std::floor(value) || std::abs(value) > 1e12) throw InvalidInput("layer " + name + ": parameter " + std::to_string(id) + " isn't an integer");
  return static_cast<std::int64_t>(value);
}

std::vector<NcnnLayer> parse_ncnn_param(std::string_view text) {
  std::vector<std::vector<std::string_view>> lines;
  std::vector<std::size_t> numbers;  // of the lines, from 1
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    ++line_number;
    if (auto line = words(text.substr(at, end - at)); !line.empty()) lines.push_back(std::move(line)), numbers.push_back(line_number);
    at = end + 1;
  }
  if (lines.size() < 2 || lines[0].size() != 1 || lines[0][0] != kMagic) throw InvalidInput("not the text form of an ncnn .param file");
  if (lines[1].size() != 2) fault(numbers[1], "the numbers of layers and blobs are missing");
  const auto layer_count = parse<std::size_t>(lines[1][0], numbers[1]), blob_count = parse<std::size_t>(lines[1][1], numbers[1]);
  if (layer_count != lines.size() - 2) throw InvalidInput("it has " + std::to_string(lines.size() - 2) + " layers and says " + std::to_string(layer_count));

  std::vector<NcnnLayer> layers;
  std::set<std::string, std::less<>> blobs;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    const auto& line = lines[i];
    const auto number = numbers[i];
    if (line.size() < 4) fault(number, "too short for a layer");
    auto& layer = layers.emplace_back();
    layer.kind = line[0];
    layer.name = line[1];
    const auto ins = parse<std::size_t>(line[2], number), outs = parse<std::size_t>(line[3], number);
    if (ins > line.size() - 4 || outs > line.size() - 4 - ins) fault(number, "fewer blobs than it says");
    for (std::size_t k = 0; k < ins; ++k) {
      layer.inputs.emplace_back(line[4 + k]);
      if (!blobs.contains(layer.inputs.back())) fault(number, "blob " + layer.inputs.back() + " isn't made before it is used");
    }
    for (std::size_t k = 0; k < outs; ++k) {
      layer.outputs.emplace_back(line[4 + ins + k]);
      if (!blobs.insert(layer.outputs.back()).second) fault(number, "blob " + layer.outputs.back() + " is made twice");
    }
    for (std::size_t k = 4 + ins + outs; k < line.size(); ++k) parse_parameter(layer, line[k], number);
  }
  if (blobs.size() != blob_count) throw InvalidInput("it has " + std::to_string(blobs.size()) + " blobs and says " + std::to_string(blob_count));
  return layers;
}

void read_ncnn_bin(std::vector<NcnnLayer>& layers, const std::shared_ptr<const MappedFile>& file) {
  WeightReader reader(file);
  for (auto& layer : layers) {
    if (layer.kind == "Convolution" || layer.kind == "Deconvolution") {
      const auto out = layer.integer(0, 0), kw = layer.integer(1, 0), kh = layer.integer(11, kw), count = layer.integer(6, 0);
      if (out < 1 || kw < 1 || kh < 1 || kw > 64 || kh > 64 || count < 1 || out > count || count % (out * kw * kh)) throw InvalidInput("layer " + layer.name + ": impossible sizes");
      layer.weight = reader.flagged(count).view({out, count / (out * kw * kh), kh, kw});
      if (layer.integer(5, 0)) layer.bias = reader.plain(out);
    } else if (layer.kind == "InnerProduct") {
      const auto out = layer.integer(0, 0), count = layer.integer(2, 0);
      if (out < 1 || count < 1 || out > count || count % out) throw InvalidInput("layer " + layer.name + ": impossible sizes");
      layer.weight = reader.flagged(count).view({out, count / out});
      if (layer.integer(1, 0)) layer.bias = reader.plain(out);
    } else if (layer.kind == "PReLU") {
      layer.weight = reader.plain(layer.integer(0, 0));
    } else if (!kPlainKinds.contains(layer.kind)) {
      throw InvalidInput("layer " + layer.name + " is of the kind " + layer.kind.substr(0, 60) + ", which no network that we run has");
    }
  }
  if (reader.left()) throw InvalidInput(std::to_string(reader.left()) + " bytes are left over behind the last layer");
}

UpscalerWeights read_ncnn(const std::filesystem::path& path) {
  const auto prefixed = [](const std::filesystem::path& of, const Error& error) { return InvalidInput(of.filename().string() + ": " + error.what()); };
  const auto text = read_text(path);
  const auto binary = weights_beside(path);
  const auto file = MappedFile::open(binary);
  std::vector<NcnnLayer> layers;
  try {
    layers = parse_ncnn_param(text);
  } catch (const InvalidInput& error) {
    throw prefixed(path, error);
  }
  try {
    read_ncnn_bin(layers, file);
  } catch (const InvalidInput& error) {
    throw prefixed(binary, error);
  }
  try {
    return recognise_ncnn(layers);
  } catch (const InvalidInput& error) {
    throw prefixed(path, error);
  }
}

}  // namespace darkroom
