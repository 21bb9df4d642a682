#include "diffusion/taesd.hpp"

#include <ATen/ops/tanh.h>

#include <charconv>
#include <set>
#include <string>

#include "base/error.hpp"
#include "diffusion/vae.hpp"
#include "tensor/packed.hpp"

namespace darkroom {
namespace taesd {
namespace {

/// The decoder squeezes its latents softly into this range.
constexpr double kRange = 3;

std::string number(int value) { return std::to_string(value); }

/// The numbers that the file's names begin with.
std::set<int> entries(const Weights& weights) {
  std::set<int> found;
  weights.each([&found](const std::string& name, const at::Tensor&) {
    int index = -1;
    const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (fault == std::errc{} && end != name.data() + name.size() && *end == '.' && index < 1000) found.insert(index);
  });
  return found;
}

std::int64_t expect_conv(const Weights& weights, std::int64_t in, std::int64_t side, bool bias) {
  const auto& weight = weights.raw("weight");
  if (weight.dim() != 4 || weight.size(0) < 1 || (in && weight.size(1) != in) || weight.size(2) != side || weight.size(3) != side || !at::isFloatingType(weight.scalar_type()))
    throw InvalidInput("TAESD: tensor " + weights.prefix() + "weight is " + shape_text(weight) + ", which does not fit the layer before");
  if (bias && weights.raw("bias").sizes() != at::IntArrayRef{weight.size(0)})
    throw InvalidInput("TAESD: tensor " + weights.prefix() + "bias is " + shape_text(weights.raw("bias")));
  return weight.size(0);
}

}  // namespace

Block::Block(const Weights& weights, const Compute& compute)
    : conv_{Convolution(weights.below("conv.0."), compute), Convolution(weights.below("conv.2."), compute), Convolution(weights.below("conv.4."), compute)} {
  if (weights.has("skip.weight")) skip_.emplace(weights.below("skip."), compute);
}

at::Tensor Block::operator()(at::Tensor x) const {
  auto h = conv_[1](conv_[0](x).relu_()).relu_();
  if (skip_) x = (*skip_)(x);
  return conv_[2].plus(h, std::move(x)).relu_();
}

std::size_t Block::bytes() const { return conv_[0].bytes() + conv_[1].bytes() + conv_[2].bytes() + (skip_ ? skip_->bytes() : 0); }

std::vector<std::pair<int, Layer>> Network::layers_of(const Weights& weights, Side side) {
  const auto found = entries(weights);
  std::vector<std::pair<int, Layer>> layers;
  std::int64_t channels = 0;
  for (const int index : found) {
    const auto one = weights.below(number(index) + ".");
    if (one.has_below("conv.")) {
      if (layers.empty()) throw InvalidInput("TAESD: the file does not begin with a convolution");
      auto out = channels;
      for (const char* part : {"conv.0.", "conv.2.", "conv.4."}) out = expect_conv(one.below(part), out, 3, true);
      if (one.has("skip.weight")) expect_conv(one.below("skip."), channels, 1, false);
      else if (out != channels) throw InvalidInput("TAESD: block " + one.prefix() + " changes its width and has no skip.weight");
      channels = out;
      layers.emplace_back(index, Layer::kBlock);
    } else {
      channels = expect_conv(one, channels, 3, one.has("bias"));
      const auto between = side == Side::kEncoder ? Layer::kHalve : Layer::kDouble;
      layers.emplace_back(index, layers.empty() ? Layer::kFirst : index == *found.rbegin() ? Layer::kLast : between);
    }
  }
  if (layers.size() < 3 || layers.back().second != Layer::kLast) throw InvalidInput("TAESD: the file holds no such network");
  return layers;
}

Network::Network(const Weights& weights, Side side, const Compute& compute) : side_(side), compute_(compute) {
  for (const auto& [index, kind] : layers_of(weights, side)) {
    const auto one = weights.below(number(index) + ".");
    if (kind == Layer::kBlock) steps_.push_back({kind, Block(one, compute)});
    else steps_.push_back({kind, Convolution(one, compute, kind == Layer::kHalve ? 2 : 1)});
  }
}

at::Tensor Network::operator()(const at::Tensor& input, const Check& check) const {
  auto x = side_ == Side::kDecoder ? at::tanh(input.div(kRange)).mul_(kRange) : input;
  x = x.to(compute_.device, compute_.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  for (const auto& step : steps_) {
    check();
    if (const auto* block = std::get_if<Block>(&step.layer)) {
      x = (*block)(std::move(x));
      continue;
    }
    const auto& conv = std::get<Convolution>(step.layer);
    x = step.kind == Layer::kDouble ? conv.after_enlarging(x, x.size(2) * 2, x.size(3) * 2) : conv(x);
    if (side_ == Side::kDecoder && step.kind == Layer::kFirst) x.relu_();
  }
  return x.to(at::kCPU, at::kFloat);
}

std::size_t Network::bytes() const {
  std::size_t sum = 0;
  for (const auto& step : steps_) std::visit([&](const auto& layer) { sum += layer.bytes(); }, step.layer);
  return sum;
}

}  // namespace taesd

namespace {

using taesd::Layer;
using taesd::Network;

class TaesdVae final : public Vae {
 public:
  TaesdVae(const Weights* encoder, const Weights* decoder, double scale, const Compute& compute) : scale_(scale), compute_(compute) {
    info_.architecture = "TAESD";
    if (encoder) read(*encoder, Network::Side::kEncoder, encoder_weights_);
    if (decoder) read(*decoder, Network::Side::kDecoder, decoder_weights_);
  }

  const VaeInfo& info() const override { return info_; }
  std::size_t bytes() const override { return encoder_.bytes() + decoder_.bytes(); }
  StateDict state_dict() const override {
    // The scale goes along: nothing else in the file says whose latents these are.
    StateDict all{{"vae_scale", at::full({}, scale_, at::kFloat)}, {"vae_shift", at::zeros({}, at::kFloat)}};
    for (const auto& [half, name] : {std::pair{&encoder_weights_, "taesd_encoder."}, {&decoder_weights_, "taesd_decoder."}}) {
      if (*half) (*half)->each([&, name = std::string(name)](const std::string& part, const at::Tensor& tensor) { all.emplace(name + part, tensor); });
    }
    return all;
  }
  void drop() const override {
    encoder_.drop();
    decoder_.drop();
  }

 protected:
  at::Tensor decode_one(const at::Tensor& latent, const std::function<void()>& check) const override {
    if (!decoder_weights_) throw InvalidInput("VAE: this TAESD has no decoder");
    return (*decoder_.acquire())(latent.mul(scale_), check);
  }
  at::Tensor encode_one(const at::Tensor& image, const std::function<void()>& check) const override {
    if (!encoder_weights_) throw InvalidInput("VAE: this TAESD has no encoder");
    return (*encoder_.acquire())(image, check).div_(scale_);
  }
  std::size_t decode_need(std::int64_t height, std::int64_t width) const override { return need(height, width); }
  std::size_t encode_need(std::int64_t height, std::int64_t width) const override { return need(height, width); }

 private:
  void read(const Weights& weights, Network::Side side, std::optional<Weights>& kept) {
    const auto layers = Network::layers_of(weights, side);
    std::int64_t scale = 1;
    for (const auto& [index, kind] : layers) scale *= kind == Layer::kHalve || kind == Layer::kDouble ? 2 : 1;
    const auto end = [&](int index) { return weights.raw(std::to_string(index) + ".weight"); };
    const bool encodes = side == Network::Side::kEncoder;
    const auto first = end(layers.front().first), last = end(layers.back().first);
    const auto colours = encodes ? first.size(1) : last.size(0);
    info_.latent_channels = encodes ? last.size(0) : first.size(1);
    if (colours != info_.image_channels) throw InvalidInput("TAESD: a network of " + std::to_string(colours) + " colours");
    info_.downscale = scale;
    width_ = first.size(0);
    kept = weights;
  }
  /// Three activations at full size.
  std::size_t need(std::int64_t height, std::int64_t width) const {
    return static_cast<std::size_t>(3 * width_ * height * width) * c10::elementSize(compute_.dtype);
  }

  VaeInfo info_;
  double scale_;
  Compute compute_;
  std::int64_t width_ = 64;
  std::optional<Weights> encoder_weights_, decoder_weights_;
  Packed<Network> encoder_{compute_.budget, 0, [this] { return std::make_shared<const Network>(*encoder_weights_, Network::Side::kEncoder, compute_); }};
  Packed<Network> decoder_{compute_.budget, 0, [this] { return std::make_shared<const Network>(*decoder_weights_, Network::Side::kDecoder, compute_); }};
};

}  // namespace

std::shared_ptr<const Vae> load_taesd(const Weights* encoder, const Weights* decoder, double scale, const Compute& compute) {
  return std::make_shared<TaesdVae>(encoder, decoder, scale, compute);
}

}  // namespace darkroom
