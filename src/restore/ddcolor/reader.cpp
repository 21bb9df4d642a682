// Tells from names and shapes whether a file is a DDColor network, and of which sizes.

#include <utility>

#include "base/error.hpp"
#include "restore/ddcolor/ddcolor.hpp"
#include "restore/shapes.hpp"
#include "tensor/checkpoint.hpp"

namespace darkroom {
namespace {

using Sizes = std::vector<std::int64_t>;

const std::string kEncoder = "encoder.arch.", kDecoder = "decoder.", kColors = "decoder.color_decoder.";

std::string numbered(const std::string& prefix, std::int64_t index) { return prefix + std::to_string(index) + "."; }

std::int64_t count_below(const StateDict& tensors, const std::string& prefix) {
  std::int64_t count = 0;
  while (has_below(tensors, numbered(prefix, count))) ++count;
  return count;
}

class Reader {
 public:
  explicit Reader(const StateDict& tensors) : tensors_(tensors), shapes_(tensors) {}

  DDColorInfo read() {
    shapes_.expect("mean", {1, 3, 1, 1});
    shapes_.expect("std", {1, 3, 1, 1});
    encoder();
    pixel_decoder();
    color_decoder();
    spectral("refine_net.0.0", {2, info_.queries + 3, 1, 1}, true);
    return info_;
  }

 private:
  void affine(const std::string& name, std::int64_t channels) {
    shapes_.expect(name + ".weight", {channels});
    shapes_.expect(name + ".bias", {channels});
  }
  void layer(const std::string& name, const Sizes& sizes) {
    shapes_.expect(name + ".weight", sizes);
    shapes_.expect(name + ".bias", {sizes[0]});
  }
  void batch_norm(const std::string& name, std::int64_t channels) {
    affine(name, channels);
    shapes_.expect(name + ".running_mean", {channels});
    shapes_.expect(name + ".running_var", {channels});
  }
  void spectral(const std::string& name, const Sizes& sizes, bool bias) {
    std::int64_t rest = 1;
    for (std::size_t i = 1; i < sizes.size(); ++i) rest *= sizes[i];
    shapes_.expect(name + ".weight_orig", sizes);
    shapes_.expect(name + ".weight_u", {sizes[0]});
    shapes_.expect(name + ".weight_v", {rest});
    if (bias) shapes_.expect(name + ".bias", {sizes[0]});
  }

  void encoder() {
    for (std::int64_t s = 0; s < 4; ++s) {
      const auto down = numbered(kEncoder + "downsample_layers.", s);
      const auto channels = sizes_of(tensors_, down + (s == 0 ? "0.weight" : "1.weight"), 4)[0];
      if (s == 0) {
        layer(down + "0", {channels, 3, 4, 4});
        affine(down + "1", channels);
      } else {
        const auto before = info_.channels[static_cast<std::size_t>(s - 1)];
        affine(down + "0", before);
        layer(down + "1", {channels, before, 2, 2});
      }
      const auto stage = numbered(kEncoder + "stages.", s);
      const auto depth = count_below(tensors_, stage);
      if (depth == 0) throw InvalidInput("tensor " + stage + "0.gamma is missing");
      for (std::int64_t b = 0; b < depth; ++b) block(numbered(stage, b), channels);
      affine(kEncoder + "norm" + std::to_string(s), channels);
      info_.channels[static_cast<std::size_t>(s)] = channels, info_.depths[static_cast<std::size_t>(s)] = depth;
    }
    affine(kEncoder + "norm", info_.channels[3]);  // nobody reads what it gives, but every file has it
  }

  void block(const std::string& prefix, std::int64_t channels) {
    shapes_.expect(prefix + "gamma", {channels});
    layer(prefix + "dwconv", {channels, 1, 7, 7});
    affine(prefix + "norm", channels);
    layer(prefix + "pwconv1", {4 * channels, channels});
    layer(prefix + "pwconv2", {channels, 4 * channels});
  }

  void pixel_decoder() {
    auto in = info_.channels[3];
    for (std::int64_t i = 0; i < 3; ++i) {
      const auto prefix = numbered(kDecoder + "layers.", i);
      const auto out = sizes_of(tensors_, prefix + "conv.0.weight_orig", 4)[0], side = info_.channels[static_cast<std::size_t>(2 - i)];
      spectral(prefix + "shuf.conv.0", {4 * out, in, 1, 1}, false);
      batch_norm(prefix + "shuf.conv.1", 4 * out);
      batch_norm(prefix + "bn", side);
      spectral(prefix + "conv.0", {out, out + side, 3, 3}, false);
      batch_norm(prefix + "conv.2", out);
      map_channels_.push_back(in = out);
    }
    const std::string last = kDecoder + "last_shuf.conv.0";
    const auto rows = sizes_of(tensors_, last + ".weight_orig", 4)[0];
    if (rows % 16 != 0) throw InvalidInput("tensor " + last + ".weight_orig has " + std::to_string(rows) + " outputs, which no enlargement by 4 divides");
    shuffled_ = rows / 16;
    spectral(last, {rows, in, 1, 1}, true);
  }

  void attention(const std::string& name, std::int64_t channels) {
    shapes_.expect(name + ".in_proj_weight", {3 * channels, channels});
    shapes_.expect(name + ".in_proj_bias", {3 * channels});
    layer(name + ".out_proj", {channels, channels});
  }

  void color_decoder() {
    const auto queries = sizes_of(tensors_, kColors + "query_feat.weight", 2);
    const auto channels = queries[1];
    if (channels % ColorDecoder::kHeads != 0) throw InvalidInput("tensor " + kColors + "query_feat.weight has " + std::to_string(channels) + " channels, which 8 heads do not divide");
    shapes_.expect(kColors + "query_feat.weight", queries);
    shapes_.expect(kColors + "query_embed.weight", queries);
    shapes_.expect(kColors + "level_embed.weight", {3, channels});
    for (std::int64_t i = 0; i < 3; ++i) layer(kColors + "input_proj." + std::to_string(i), {channels, map_channels_[static_cast<std::size_t>(i)], 1, 1});
    const auto layers = std::max({count_below(tensors_, kColors + "transformer_cross_attention_layers."), count_below(tensors_, kColors + "transformer_self_attention_layers."),
                                  count_below(tensors_, kColors + "transformer_ffn_layers.")});
    if (layers == 0) throw InvalidInput("tensor " + kColors + "transformer_ffn_layers.0.linear1.weight is missing");
    for (std::int64_t l = 0; l < layers; ++l) {
      const auto cross = numbered(kColors + "transformer_cross_attention_layers.", l), self = numbered(kColors + "transformer_self_attention_layers.", l),
                 feed = numbered(kColors + "transformer_ffn_layers.", l);
      attention(cross + "multihead_attn", channels);
      affine(cross + "norm", channels);
      attention(self + "self_attn", channels);
      affine(self + "norm", channels);
      const auto inner = sizes_of(tensors_, feed + "linear1.weight", 2)[0];
      layer(feed + "linear1", {inner, channels});
      layer(feed + "linear2", {channels, inner});
      affine(feed + "norm", channels);
    }
    affine(kColors + "decoder_norm", channels);
    for (std::int64_t i = 0; i < 3; ++i) layer(kColors + "color_embed.layers." + std::to_string(i), {i < 2 ? channels : shuffled_, channels});
    info_.hidden = channels, info_.queries = queries[0], info_.layers = layers;
  }

  const StateDict& tensors_;
  ShapeCheck shapes_;
  DDColorInfo info_;
  Sizes map_channels_;
  std::int64_t shuffled_ = 0;
};

}  // namespace

std::string DDColorInfo::size() const {
  using Four = std::array<std::int64_t, 4>;
  if (depths == Four{3, 3, 9, 3} && channels == Four{96, 192, 384, 768}) return "tiny";
  if (depths == Four{3, 3, 27, 3} && channels == Four{192, 384, 768, 1536}) return "large";
  return "of its own size";
}

DDColorWeights recognise_ddcolor(StateDict tensors) {
  if (has_below(tensors, kColors + "transformer.")) throw InvalidInput("a DDColor network with SingleColorDecoder, which isn't supported (MultiScaleColorDecoder is)");
  if (!has_below(tensors, kEncoder) && !has_below(tensors, kColors)) throw InvalidInput("its tensors belong to no DDColor network");
  DDColorWeights weights;
  weights.info = Reader(tensors).read();
  weights.tensors = std::make_shared<const StateDict>(std::move(tensors));
  return weights;
}

DDColorWeights read_ddcolor(const std::filesystem::path& path) {
  auto tensors = load_checkpoint(path);
  try {
    return recognise_ddcolor(std::move(tensors));
  } catch (const InvalidInput& error) {
    throw InvalidInput(path.filename().string() + ": " + error.what());
  }
}

}  // namespace darkroom
