// Tells which of our networks an ncnn graph is: the term that each should have, and the names that its weights get.

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "restore/ncnn_graph.hpp"

namespace darkroom {
namespace {

using ncnn_activation::kNone;
using ncnn_activation::kRelu;
using ncnn_activation::leaky;

ConvForm same(const std::string& activation) { return {3, 1, 1, activation}; }
ConvForm valid(const std::string& activation) { return {3, 1, 0, activation}; }
const ConvForm kDoubling{4, 2, 3, kNone};

int srvgg_term(NcnnGraph& graph) {
  auto& terms = graph.terms;
  int x = terms.input();
  for (std::size_t i = 0; i < graph.convs.size(); ++i) {
    x = terms.conv(i, same(kNone), x);
    if (i < graph.slopes.size()) x = terms.prelu(i, x);
  }
  x = terms.add(terms.shuffle(graph.shuffle, x), terms.resize(kNcnnNearest, static_cast<double>(graph.shuffle), terms.input()));
  return graph.shrink == 1 ? x : terms.resize(kNcnnBicubic, graph.shrink, x);
}

int rrdb_term(NcnnTerms& terms, std::size_t blocks) {
  const auto linear = same(kNone), active = same(leaky(0.2));
  std::size_t n = 0;
  const int f = terms.conv(n++, linear, terms.input());
  int t = f;
  for (std::size_t block = 0; block < blocks; ++block) {
    const int block_input = t;
    for (int dense = 0; dense < 3; ++dense) {
      const int input = t;
      std::vector<int> parts{t};
      for (int c = 0; c < 4; ++c) parts.push_back(terms.conv(n++, active, c ? terms.concat(parts) : t));
      t = terms.weighted(0.2, terms.conv(n++, linear, terms.concat(parts)), 1, input);
    }
    t = terms.weighted(0.2, t, 1, block_input);
  }
  t = terms.add(f, terms.conv(n++, linear, t));
  for (int up = 0; up < 2; ++up) t = terms.conv(n++, active, terms.resize(kNcnnNearest, 2, t));
  t = terms.conv(n++, active, t);
  return terms.conv(n++, linear, t);
}

/// `count` convolutions, the last of them as `last`, those before as `form`.
int chain_term(NcnnTerms& terms, std::size_t count, const ConvForm& form, const ConvForm& last) {
  int x = terms.input();
  for (std::size_t i = 0; i < count; ++i) x = terms.conv(i, i + 1 < count ? form : last, x);
  return x;
}

void put(StateDict& tensors, const std::string& name, const NcnnLayer& layer) {
  tensors[name + ".weight"] = layer.weight;
  tensors[name + ".bias"] = layer.bias;
}

/// torch has a transposed convolution's inputs first.
void put_transposed(StateDict& tensors, const std::string& name, const NcnnLayer& layer) {
  tensors[name + ".weight"] = layer.weight.transpose(0, 1);
  tensors[name + ".bias"] = layer.bias;
}

/// Convolutions numbered together with the activations between them: `prefix`0, `prefix`2, ...
StateDict chain_names(const NcnnGraph& graph, const std::string& prefix) {
  StateDict tensors;
  for (std::size_t i = 0; i < graph.convs.size(); ++i) put(tensors, prefix + std::to_string(2 * i), *graph.convs[i]);
  for (std::size_t i = 0; i < graph.slopes.size(); ++i) tensors[prefix + std::to_string(2 * i + 1) + ".weight"] = graph.slopes[i]->weight;
  return tensors;
}

StateDict rrdb_names(const NcnnGraph& graph, std::size_t blocks) {
  std::vector<std::string> names{"conv_first"};
  for (std::size_t b = 0; b < blocks; ++b)
    for (int r = 1; r <= 3; ++r)
      for (int c = 1; c <= 5; ++c) names.push_back("body." + std::to_string(b) + ".rdb" + std::to_string(r) + ".conv" + std::to_string(c));
  for (const char* name : {"conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"}) names.emplace_back(name);
  StateDict tensors;
  for (std::size_t i = 0; i < names.size(); ++i) put(tensors, names[i], *graph.convs[i]);
  return tensors;
}

StateDict upconv7_names(const NcnnGraph& graph) {
  auto tensors = chain_names(graph, "net.");
  put_transposed(tensors, "net." + std::to_string(2 * graph.convs.size()), *graph.transposed[0]);
  return tensors;
}

/// waifu2x's CUNet: its term, and the names of its weights, in one walk.
class CunetWalk {
 public:
  explicit CunetWalk(const NcnnGraph& graph, NcnnTerms& terms) : graph_(graph), terms_(terms) {}

  /// `doubles`: the first network ends in a transposed convolution.
  int term(bool doubles) {
    const int rough = shallow("unet1.", terms_.input(), doubles);
    const int fine = deep("unet2.", rough);
    return terms_.add(terms_.cropped(20, rough, fine), fine);
  }
  StateDict take_names() { return std::move(names_); }

 private:
  int shallow(const std::string& p, int x, bool doubles) {
    const int top = stage(p + "conv1.", x, false);
    const int up = transposed(p + "conv2_up", kUp, stage(p + "conv2.", conv(p + "conv1_down", kDown, top), true));
    x = conv(p + "conv3", kActive, terms_.add(terms_.cropped(4, top, up), up));
    return doubles ? transposed(p + "conv_bottom", kDoubling, x) : conv(p + "conv_bottom", valid(kNone), x);
  }
  int deep(const std::string& p, int x) {
    const int top = stage(p + "conv1.", x, false), middle = stage(p + "conv2.", conv(p + "conv1_down", kDown, top), true);
    const int up = transposed(p + "conv3_up", kUp, stage(p + "conv3.", conv(p + "conv2_down", kDown, middle), true));
    const int rising = stage(p + "conv4.", terms_.add(terms_.cropped(4, middle, up), up), true);
    const int high = transposed(p + "conv4_up", kUp, rising);
    return conv(p + "conv_bottom", valid(kNone), conv(p + "conv5", kActive, terms_.add(terms_.cropped(16, top, high), high)));
  }
  int stage(const std::string& p, int x, bool attention) {
    x = conv(p + "conv.2", kActive, conv(p + "conv.0", kActive, x));
    if (!attention) return x;
    const int squeezed = dense(p + "seblock.conv1", kRelu, terms_.mean(x));
    return terms_.scaled(x, dense(p + "seblock.conv2", ncnn_activation::kSigmoid, squeezed));
  }
  int conv(const std::string& name, const ConvForm& form, int x) {
    if (convs_ < graph_.convs.size()) put(names_, name, *graph_.convs[convs_]);
    return terms_.conv(convs_++, form, x);
  }
  int transposed(const std::string& name, const ConvForm& form, int x) {
    if (transposed_ < graph_.transposed.size()) put_transposed(names_, name, *graph_.transposed[transposed_]);
    return terms_.transposed(transposed_++, form, x);
  }
  int dense(const std::string& name, const std::string& activation, int x) {
    if (dense_ < graph_.dense.size()) {
      put(names_, name, *graph_.dense[dense_]);
      auto& weight = names_[name + ".weight"];
      weight = weight.view({weight.size(0), weight.size(1), 1, 1});
    }
    return terms_.dense(dense_++, activation, x);
  }

  const ConvForm kActive = valid(leaky(0.1)), kDown{2, 2, 0, leaky(0.1)}, kUp{2, 2, 0, leaky(0.1)};
  const NcnnGraph& graph_;
  NcnnTerms& terms_;
  std::size_t convs_ = 0, transposed_ = 0, dense_ = 0;
  StateDict names_;
};

UpscalerWeights with_shuffle(UpscalerWeights weights, std::int64_t shuffle) {
  if (weights.info.scale != shuffle) throw InvalidInput("its pixel shuffle doesn't fit the last convolution");
  return weights;
}

UpscalerWeights with_shrink(UpscalerWeights weights, double shrink) {
  const double scale = weights.info.scale * shrink;
  if (shrink <= 0 || shrink > 1 || std::abs(scale - std::round(scale)) > 1e-6)
    throw InvalidInput("its output isn't a whole multiple of its input");
  weights.info.scale = static_cast<int>(std::lround(scale));
  weights.shrink = shrink;
  return weights;
}

}  // namespace

UpscalerWeights recognise_ncnn(const std::vector<NcnnLayer>& layers) {
  NcnnGraph graph(layers);
  auto& terms = graph.terms;
  const auto convs = graph.convs.size(), blocks = convs >= 21 ? (convs - 6) / 15 : 0;
  if (convs >= 2 && graph.slopes.size() == convs - 1 && graph.result == srvgg_term(graph))
    return with_shrink(with_shuffle(recognise_upscaler(chain_names(graph, "body.")), graph.shuffle), graph.shrink);
  if (blocks >= 1 && convs == 15 * blocks + 6 && graph.result == rrdb_term(terms, blocks))
    return recognise_upscaler(rrdb_names(graph, blocks));
  if (convs >= 2 && graph.result == terms.shuffle(graph.shuffle, chain_term(terms, convs, same(kRelu), same(kNone))))
    return with_shuffle(recognise_upscaler(chain_names(graph, "model.")), graph.shuffle);
  if (convs == 6 && graph.result == terms.transposed(0, kDoubling, chain_term(terms, convs, valid(leaky(0.1)), valid(leaky(0.1)))))
    return recognise_upscaler(upconv7_names(graph));
  for (const bool doubles : {true, false})
    if (CunetWalk walk(graph, terms); graph.result == walk.term(doubles)) return recognise_upscaler(walk.take_names());
  throw InvalidInput("its graph is no network that we run (SRVGGNetCompact, RRDBNet, SRMD, waifu2x)");
}

}  // namespace darkroom
