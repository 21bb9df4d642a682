#include "diffusion/vae_shape.hpp"

#include <optional>

#include "base/error.hpp"

namespace darkroom {
namespace {

std::string text_of(const std::vector<std::int64_t>& sizes) {
  std::string text;
  for (const auto size : sizes) text += (text.empty() ? "[" : ", ") + std::to_string(size);
  return text + "]";
}

/// Walks along a network and compares each tensor with what the ones before it ask for.
class Walk {
 public:
  explicit Walk(const Weights& weights) : weights_(weights) {}

  bool has(const std::string& name) const { return weights_.has(name); }
  bool has_below(const std::string& name) const { return weights_.has_below(name); }

  /// Output channels of the convolution, whose inputs must be `in`.
  std::int64_t conv(const std::string& name, std::int64_t in, std::int64_t side, std::optional<std::int64_t> out = {}) const {
    const auto sizes = tensor(name + ".weight").sizes();
    const bool flat = side == 1 && sizes.size() == 2;  // 1x1 as a matrix
    if (!flat && sizes.size() != 4) wrong(name + ".weight", "a convolution has four dimensions");
    const auto wanted = out.value_or(sizes[0]);
    if (wanted < 1 || sizes[0] != wanted || sizes[1] != in || (!flat && (sizes[2] != side || sizes[3] != side)))
      wrong(name + ".weight", "expected " + text_of({wanted, in, side, side}));
    vector(name + ".bias", wanted);
    return wanted;
  }
  void norm(const std::string& name, std::int64_t channels) const {
    vector(name + ".weight", channels);
    vector(name + ".bias", channels);
    if (channels % kVaeGroups) wrong(name + ".weight", "channels are not a multiple of " + std::to_string(kVaeGroups));
  }
  std::int64_t residual(const std::string& name, std::int64_t in) const {
    norm(name + ".norm1", in);
    const auto out = conv(name + ".conv1", in, 3);
    norm(name + ".norm2", out);
    conv(name + ".conv2", out, 3, out);
    if (in != out) conv(name + ".nin_shortcut", in, 1, out);
    return out;
  }
  void attention(const std::string& name, std::int64_t channels) const {
    norm(name + ".norm", channels);
    for (const char* part : {".q", ".k", ".v", ".proj_out"}) conv(name + part, channels, 1, channels);
  }
  void middle(const std::string& name, std::int64_t channels) const {
    if (residual(name + "block_1", channels) != channels || residual(name + "block_2", channels) != channels)
      throw InvalidInput("VAE: the middle " + name + " changes its width");
    attention(name + "attn_1", channels);
  }
  KlStage stage(const std::string& name, const std::string& resampler, std::int64_t in) const {
    KlStage stage{.name = name, .in = in, .out = in};
    const auto part = [&](const char* kind, int i) { return name + kind + std::to_string(i); };
    stage.attention = has_below(name + "attn.");
    for (; has_below(part("block.", stage.blocks) + "."); ++stage.blocks) {
      stage.out = residual(part("block.", stage.blocks), stage.out);
      if (stage.attention) attention(part("attn.", stage.blocks), stage.out);
    }
    if (stage.blocks == 0) throw InvalidInput("VAE: " + name + " has no blocks");
    stage.resamples = has_below(name + resampler);
    if (stage.resamples) conv(name + resampler + ".conv", stage.out, 3, stage.out);
    return stage;
  }
  int count(const std::string& name) const {
    int levels = 0;
    while (has_below(name + std::to_string(levels) + ".")) ++levels;
    return levels;
  }

 private:
  const at::Tensor& tensor(const std::string& name) const {
    if (!weights_.has(name)) throw InvalidInput("VAE: the file has no tensor " + weights_.prefix() + name);
    const auto& tensor = weights_.raw(name);
    if (!at::isFloatingType(tensor.scalar_type())) wrong(name, "it isn't floating point");
    return tensor;
  }
  void vector(const std::string& name, std::int64_t size) const {
    if (tensor(name).sizes() != at::IntArrayRef{size}) wrong(name, "expected " + text_of({size}));
  }
  [[noreturn]] void wrong(const std::string& name, const std::string& why) const {
    throw InvalidInput("VAE: tensor " + weights_.prefix() + name + " is " + shape_text(weights_.raw(name)) + ": " + why);
  }
  const Weights& weights_;
};

std::int64_t scale_of(const std::vector<KlStage>& stages) {
  std::int64_t scale = 1;
  for (const auto& stage : stages) scale *= stage.resamples ? 2 : 1;
  return scale;
}

}  // namespace

KlShape read_kl_shape(const Weights& weights) {
  const Walk walk(weights);
  KlShape shape;
  shape.has_decoder = walk.has("decoder.conv_in.weight");
  shape.has_encoder = walk.has("encoder.conv_in.weight");
  constexpr std::int64_t kColours = 3;
  if (shape.has_decoder) {
    const auto& first = weights.raw("decoder.conv_in.weight");
    const auto inner = first.dim() == 4 ? first.size(1) : 0;
    auto channels = walk.conv("decoder.conv_in", inner, 3);
    shape.latent_channels = inner;
    if (walk.has_below("post_quant_conv.")) {
      const auto& post = weights.raw("post_quant_conv.weight");
      shape.latent_channels = post.dim() >= 2 ? post.size(1) : 0;
      walk.conv("post_quant_conv", shape.latent_channels, 1, inner);
    }
    walk.middle("decoder.mid.", channels);
    for (int level = walk.count("decoder.up.") - 1; level >= 0; --level) {
      shape.up.push_back(walk.stage("decoder.up." + std::to_string(level) + ".", "upsample", channels));
      channels = shape.up.back().out;
    }
    walk.norm("decoder.norm_out", channels);
    walk.conv("decoder.conv_out", channels, 3, kColours);
    shape.downscale = scale_of(shape.up);
  }
  if (shape.has_encoder) {
    auto channels = walk.conv("encoder.conv_in", kColours, 3);
    for (int level = 0; level < walk.count("encoder.down."); ++level) {
      shape.down.push_back(walk.stage("encoder.down." + std::to_string(level) + ".", "downsample", channels));
      channels = shape.down.back().out;
    }
    walk.middle("encoder.mid.", channels);
    walk.norm("encoder.norm_out", channels);
    auto moments = walk.conv("encoder.conv_out", channels, 3);
    if (walk.has_below("quant_conv.")) moments = walk.conv("quant_conv", moments, 1);
    if (moments % 2) throw InvalidInput("VAE: the encoder gives " + std::to_string(moments) + " channels, which are no means and variances");
    if (shape.has_decoder && (moments / 2 != shape.latent_channels || scale_of(shape.down) != shape.downscale))
      throw InvalidInput("VAE: encoder and decoder do not fit: " + std::to_string(moments / 2) + " channels at 1/" + std::to_string(scale_of(shape.down)) + " and " +
                         std::to_string(shape.latent_channels) + " at 1/" + std::to_string(shape.downscale));
    shape.latent_channels = moments / 2;
    shape.downscale = scale_of(shape.down);
  }
  return shape;
}

}  // namespace darkroom
