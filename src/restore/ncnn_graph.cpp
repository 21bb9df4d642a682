#include "restore/ncnn_graph.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.hpp"

namespace darkroom {

namespace ncnn_activation {
std::string leaky(double slope) { return "/leaky" + std::to_string(slope); }
}  // namespace ncnn_activation

namespace {

[[noreturn]] void unknown(const NcnnLayer& layer, const char* what) {
  throw InvalidInput("layer " + layer.name + " (" + layer.kind + ") " + what);
}

std::string activation_of(const NcnnLayer& layer) {
  switch (layer.integer(9, 0)) {
    case 0: return ncnn_activation::kNone;
    case 1: return ncnn_activation::kRelu;
    case 2:
      if (const auto slope = layer.arrays.find(10); slope != layer.arrays.end() && slope->second.size() == 1)
        return ncnn_activation::leaky(slope->second[0]);
      break;
    case 4: return ncnn_activation::kSigmoid;
    default: break;
  }
  unknown(layer, "has another activation than ReLU, LeakyReLU or sigmoid");
}

ConvForm form_of(const NcnnLayer& layer) {
  const ConvForm form{layer.integer(1, 0), layer.integer(3, 1), layer.integer(4, 0), activation_of(layer)};
  // Heights like widths, the other sides' padding like the left one's, no dilation, nothing about the output's size.
  const std::array<std::pair<int, std::int64_t>, 12> others = {{{11, form.kernel},
                                                                {13, form.stride},
                                                                {14, form.padding},
                                                                {15, form.padding},
                                                                {16, form.padding},
                                                                {2, 1},
                                                                {12, 1},
                                                                {18, 0},
                                                                {19, 0},
                                                                {20, 0},
                                                                {21, 0},
                                                                {8, 0}}};
  const bool plain =
      std::ranges::all_of(others, [&](const auto& other) { return layer.integer(other.first, other.second) == other.second; });
  if (!plain || !layer.bias.defined()) unknown(layer, "isn't square, with bias and without dilation");
  return form;
}

}  // namespace

int NcnnTerms::operator()(const std::string& operation, const std::vector<int>& arguments) {
  std::string key = operation + "(";
  for (const int argument : arguments) key += std::to_string(argument) + ",";
  return numbers_.emplace(std::move(key), static_cast<int>(numbers_.size())).first->second;
}

int NcnnTerms::layer(const char* kind, std::size_t n, const ConvForm& form, int x) {
  std::string operation = kind + std::to_string(n);
  for (const auto number : {form.kernel, form.stride, form.padding}) operation += " " + std::to_string(number);
  return (*this)(operation + form.activation, {x});
}

NcnnGraph::NcnnGraph(const std::vector<NcnnLayer>& layers) {
  std::map<std::string, int, std::less<>> blobs;
  for (const auto& layer : layers) {
    std::vector<int> in;
    for (const auto& name : layer.inputs) in.push_back(blobs.at(name));  // parse_ncnn_param saw that they exist
    result = term_of(layer, in);
    for (const auto& name : layer.outputs) blobs[name] = result;
  }
}

/// The term of one layer's outputs, from those of its inputs.
int NcnnGraph::term_of(const NcnnLayer& layer, const std::vector<int>& in) {
  const auto& kind = layer.kind;
  const auto needs = [&](std::size_t count) {
    if (in.size() != count) unknown(layer, "has an unexpected number of inputs");
  };
  const auto number_in = [&layer](std::vector<const NcnnLayer*>& list) { return list.push_back(&layer), list.size() - 1; };
  if (kind == "Input") return needs(0), terms.input();
  if (kind == "Split") return needs(1), in[0];
  if (kind == "Concat") return terms.concat(in);
  if (kind == "Convolution") return needs(1), terms.conv(number_in(convs), form_of(layer), in[0]);
  if (kind == "Deconvolution") return needs(1), terms.transposed(number_in(transposed), form_of(layer), in[0]);
  if (kind == "InnerProduct" && !layer.bias.defined()) unknown(layer, "has no bias");
  if (kind == "InnerProduct") return needs(1), terms.dense(number_in(dense), activation_of(layer), in[0]);
  if (kind == "PReLU") return needs(1), terms.prelu(number_in(slopes), in[0]);
  if (kind == "PixelShuffle") return needs(1), shuffle = layer.integer(0, 0), terms.shuffle(shuffle, in[0]);
  if (kind == "BinaryOp") {
    needs(2);
    if (layer.integer(0, 0) != 0 || layer.integer(1, 0) != 0) unknown(layer, "isn't a sum");
    return terms.add(in[0], in[1]);
  }
  if (kind == "Eltwise") {
    needs(2);
    const auto weights = layer.arrays.find(1);
    const bool plain = weights == layer.arrays.end();
    if (layer.integer(0, 0) != 1 || (!plain && weights->second.size() != 2)) unknown(layer, "isn't a sum of two");
    return plain ? terms.add(in[0], in[1]) : terms.weighted(weights->second[0], in[0], weights->second[1], in[1]);
  }
  if (kind == "Interp") {
    needs(1);
    const double scale = layer.number(1, 1);
    if (scale != layer.number(2, 1)) unknown(layer, "has two scales");
    if (layer.integer(0, 0) == kNcnnBicubic) shrink = scale;
    return terms.resize(static_cast<int>(layer.integer(0, 0)), scale, in[0]);
  }
  if (kind == "Pooling") {
    needs(1);
    if (layer.integer(0, 0) != 1 || layer.integer(4, 0) != 1) unknown(layer, "isn't the mean of the picture");
    return terms.mean(in[0]);
  }
  if (kind == "Scale") {
    needs(2);
    if (layer.integer(0, 0) != -233 || layer.integer(1, 0) != 0) unknown(layer, "doesn't take its factors from another layer");
    return terms.scaled(in[0], in[1]);
  }
  if (kind == "Crop") {
    needs(2);
    const auto margin = layer.integer(0, 0);
    if (layer.numbers.size() != 2 || layer.integer(1, 0) != margin || !layer.arrays.empty())
      unknown(layer, "doesn't crop the same from both sides");
    return terms.cropped(margin, in[0], in[1]);
  }
  unknown(layer, "is of an unknown kind");
}

}  // namespace darkroom
