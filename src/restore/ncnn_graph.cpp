// Tells whether an ncnn graph is one of our networks. Names of blobs and layers mean nothing, so both the file's graph and the
// expected one are written as expressions over interned terms: the graphs are equal when their last terms are.

#include <cmath>
#include <map>

#include "base/error.hpp"
#include "restore/ncnn.hpp"

namespace darkroom {
namespace {

/// Terms with equal operation and arguments get the same number.
class Terms {
 public:
  int operator()(const std::string& operation, const std::vector<int>& arguments) {
    std::string key = operation + "(";
    for (const int argument : arguments) key += std::to_string(argument) + ",";
    return numbers_.emplace(std::move(key), static_cast<int>(numbers_.size())).first->second;
  }
  int input() { return (*this)("input", {}); }
  /// The n-th convolution of the file; `activation` as in conv_activation().
  int conv(int n, const std::string& activation, int x) { return (*this)("conv" + std::to_string(n) + activation, {x}); }
  int add(int a, int b) { return (*this)("add", {std::min(a, b), std::max(a, b)}); }
  int weighted(double wa, int a, double wb, int b) { return (*this)("sum " + std::to_string(wa) + " " + std::to_string(wb), {a, b}); }
  int resize(int type, double scale, int x) { return (*this)("resize" + std::to_string(type) + " " + std::to_string(scale), {x}); }
  int shuffle(std::int64_t r, int x) { return (*this)("shuffle" + std::to_string(r), {x}); }
  int concat(const std::vector<int>& parts) { return (*this)("concat", parts); }

 private:
  std::map<std::string, int> numbers_;
};

constexpr int kNearest = 1, kBicubic = 3;
const std::string kLinear = "", kLeaky = "/leaky0.2";

[[noreturn]] void unknown(const NcnnLayer& layer, const char* what) { throw InvalidInput("layer " + layer.name + " (" + layer.kind + ") " + what); }

std::string conv_activation(const NcnnLayer& layer) {
  if (layer.integer(1, 0) != 3 || layer.integer(11, 3) != 3 || layer.integer(2, 1) != 1 || layer.integer(3, 1) != 1 || layer.integer(4, 0) != 1 || !layer.bias.defined())
    unknown(layer, "isn't a 3x3 convolution with bias, stride 1 and padding 1");
  const auto type = layer.integer(9, 0);
  if (type == 0) return kLinear;
  const auto array = layer.arrays.find(10);
  if (type == 2 && array != layer.arrays.end() && array->second.size() == 1 && std::abs(array->second[0] - 0.2) < 1e-6) return kLeaky;
  unknown(layer, "has another activation than LeakyReLU(0.2)");
}

struct Graph {
  Terms terms;
  std::vector<const NcnnLayer*> convs, slopes;
  double shrink = 1;   // of a bicubic Interp
  std::int64_t shuffle = 0;
  int result = -1;

  /// The term of one layer's outputs, from those of its inputs.
  int term_of(const NcnnLayer& layer, const std::vector<int>& in) {
    const auto needs = [&](std::size_t count) { if (in.size() != count) unknown(layer, "has an unexpected number of inputs"); };
    if (layer.kind == "Input") return needs(0), terms.input();
    if (layer.kind == "Split") return needs(1), in[0];
    if (layer.kind == "Concat") return terms.concat(in);
    if (layer.kind == "Convolution") return needs(1), convs.push_back(&layer), terms.conv(static_cast<int>(convs.size()) - 1, conv_activation(layer), in[0]);
    if (layer.kind == "PReLU") return needs(1), slopes.push_back(&layer), terms("prelu" + std::to_string(slopes.size() - 1), in);
    if (layer.kind == "PixelShuffle") return needs(1), shuffle = layer.integer(0, 0), terms.shuffle(shuffle, in[0]);
    if (layer.kind == "BinaryOp") {
      needs(2);
      if (layer.integer(0, 0) != 0 || layer.integer(1, 0) != 0) unknown(layer, "isn't a sum");
      return terms.add(in[0], in[1]);
    }
    if (layer.kind == "Eltwise") {
      needs(2);
      const auto weights = layer.arrays.find(1);
      if (layer.integer(0, 0) != 1 || weights == layer.arrays.end() || weights->second.size() != 2) unknown(layer, "isn't a weighted sum");
      return terms.weighted(weights->second[0], in[0], weights->second[1], in[1]);
    }
    if (layer.kind == "Interp") {
      needs(1);
      const double scale = layer.number(1, 1);
      if (scale != layer.number(2, 1)) unknown(layer, "has two scales");
      if (layer.integer(0, 0) == kBicubic) shrink = scale;
      return terms.resize(static_cast<int>(layer.integer(0, 0)), scale, in[0]);
    }
    unknown(layer, "is of an unknown kind");
  }

  explicit Graph(const std::vector<NcnnLayer>& layers) {
    std::map<std::string, int, std::less<>> blobs;
    for (const auto& layer : layers) {
      std::vector<int> in;
      for (const auto& name : layer.inputs) in.push_back(blobs.at(name));  // parse_ncnn_param saw that they exist
      result = term_of(layer, in);
      for (const auto& name : layer.outputs) blobs[name] = result;
    }
  }

  int expected_srvgg() {
    int x = terms.input();
    for (std::size_t i = 0; i < convs.size(); ++i) {
      x = terms.conv(static_cast<int>(i), kLinear, x);
      if (i < slopes.size()) x = terms("prelu" + std::to_string(i), {x});
    }
    x = terms.add(terms.shuffle(shuffle, x), terms.resize(kNearest, static_cast<double>(shuffle), terms.input()));
    return shrink == 1 ? x : terms.resize(kBicubic, shrink, x);
  }

  int expected_rrdb(std::size_t blocks) {
    int n = 0;
    const int f = terms.conv(n++, kLinear, terms.input());
    int t = f;
    for (std::size_t block = 0; block < blocks; ++block) {
      const int block_input = t;
      for (int dense = 0; dense < 3; ++dense) {
        const int input = t;
        std::vector<int> parts{t};
        for (int c = 0; c < 4; ++c) parts.push_back(terms.conv(n++, kLeaky, c ? terms.concat(parts) : t));
        t = terms.weighted(0.2, terms.conv(n++, kLinear, terms.concat(parts)), 1, input);
      }
      t = terms.weighted(0.2, t, 1, block_input);
    }
    t = terms.add(f, terms.conv(n++, kLinear, t));
    for (int up = 0; up < 2; ++up) t = terms.conv(n++, kLeaky, terms.resize(kNearest, 2, t));
    t = terms.conv(n++, kLeaky, t);
    return terms.conv(n++, kLinear, t);
  }
};

StateDict srvgg_names(const Graph& graph) {
  StateDict tensors;
  for (std::size_t i = 0; i < graph.convs.size(); ++i) {
    tensors["body." + std::to_string(2 * i) + ".weight"] = graph.convs[i]->weight;
    tensors["body." + std::to_string(2 * i) + ".bias"] = graph.convs[i]->bias;
    if (i < graph.slopes.size()) tensors["body." + std::to_string(2 * i + 1) + ".weight"] = graph.slopes[i]->weight;
  }
  return tensors;
}

StateDict rrdb_names(const Graph& graph, std::size_t blocks) {
  std::vector<std::string> names{"conv_first"};
  for (std::size_t b = 0; b < blocks; ++b)
    for (int r = 1; r <= 3; ++r)
      for (int c = 1; c <= 5; ++c) names.push_back("body." + std::to_string(b) + ".rdb" + std::to_string(r) + ".conv" + std::to_string(c));
  for (const char* name : {"conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"}) names.emplace_back(name);
  StateDict tensors;
  for (std::size_t i = 0; i < names.size(); ++i) {
    tensors[names[i] + ".weight"] = graph.convs[i]->weight;
    tensors[names[i] + ".bias"] = graph.convs[i]->bias;
  }
  return tensors;
}

}  // namespace

UpscalerWeights recognise_ncnn(const std::vector<NcnnLayer>& layers) {
  Graph graph(layers);
  const auto convs = graph.convs.size();
  UpscalerWeights weights;
  if (convs >= 2 && graph.slopes.size() == convs - 1 && graph.result == graph.expected_srvgg()) {
    weights = recognise_upscaler(srvgg_names(graph));
    if (weights.info.scale != graph.shuffle) throw InvalidInput("its pixel shuffle doesn't fit the last convolution");
    const double scale = weights.info.scale * graph.shrink;
    if (graph.shrink <= 0 || graph.shrink > 1 || std::abs(scale - std::round(scale)) > 1e-6) throw InvalidInput("its output isn't a whole multiple of its input");
    weights.info.scale = static_cast<int>(std::lround(scale));
    weights.shrink = graph.shrink;
    return weights;
  }
  const auto blocks = convs >= 21 ? (convs - 6) / 15 : 0;
  if (blocks >= 1 && convs == 15 * blocks + 6 && graph.result == graph.expected_rrdb(blocks)) return recognise_upscaler(rrdb_names(graph, blocks));
  throw InvalidInput("its graph is neither SRVGGNetCompact nor RRDBNet");
}

}  // namespace darkroom
