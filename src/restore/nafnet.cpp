#include "restore/nafnet.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "restore/folding.hpp"
#include "restore/halving.hpp"
#include "restore/shapes.hpp"
#include "tensor/convolution.hpp"
#include "tensor/depthwise_gate.hpp"
#include "tensor/linear.hpp"
#include "tensor/token_chunks.hpp"

namespace darkroom {
namespace {

constexpr double kEps = 1e-6;
constexpr std::int64_t kMostLevels = 8;  // each doubles the channels and the multiple that a picture is padded to; published ones have 4
/// Tokens that go through the second half of a block together: what is between its layers stays in the cache. With fewer a product's
/// weights are packed too often.
std::int64_t chunk_of(std::int64_t channels) { return std::max<std::int64_t>(128, (1 << 16) / channels); }

std::string block_name(const std::string& place, std::int64_t block) { return place + "." + std::to_string(block) + "."; }
std::string encoder_name(std::int64_t level) { return "encoders." + std::to_string(level); }
std::string decoder_name(std::int64_t level) { return "decoders." + std::to_string(level); }
std::string down_name(std::int64_t level) { return "downs." + std::to_string(level); }
std::string up_name(std::int64_t level) { return "ups." + std::to_string(level) + ".0"; }
const std::string kMiddle = "middle_blks";

/// How many there are of what `name` numbers from 0.
template <class Name>
std::int64_t count(const StateDict& tensors, const Name& name) {
  std::int64_t found = 0;
  while (tensors.contains(name(found))) ++found;
  return found;
}

std::int64_t count_levels(const StateDict& tensors) {
  return count(tensors, [](auto level) { return down_name(level) + ".weight"; });
}
std::int64_t count_blocks(const StateDict& tensors, const std::string& place) {
  return count(tensors, [&](auto block) { return block_name(place, block) + "conv1.weight"; });
}

/// [N,C], each token to mean 0 and variance 1 over its channels.
at::Tensor normalized(const at::Tensor& tokens, at::ScalarType dtype) {
  return at::layer_norm(tokens, {tokens.size(1)}, {}, {}, kEps).to(dtype);
}

/// sum += layer(x), in place.
void add_to(const at::Tensor& sum, const Linear& layer, const at::Tensor& x) {
  if (x.scalar_type() == at::kFloat && x.device().is_cpu()) layer.plus(x, sum);
  else sum.add_(layer(x));
}

Linear packed(const FoldedLayer& layer, const Compute& compute) { return Linear(layer.weight, layer.bias, compute); }

/// The factor of a residual: "beta" or "gamma", [1,C,1,1].
ChannelAffine residual_scale(const at::Tensor& factor) {
  const auto scale = factor.to(at::kDouble).flatten();
  return {scale, at::zeros_like(scale)};
}

/// The norms' weights are in the layers behind them, the residuals' factors in those before.
class Block {
 public:
  Block(const Weights& w, const Compute& compute)
      : dtype_(compute.dtype),
        widen_(packed(behind(plain_layer(w.below("conv1.")), norm_affine(w.below("norm1."))), compute)),
        depthwise_(w.get("conv2.weight"), w.get("conv2.bias"), compute),
        attention_(w.below("sca.1."), {.dtype = at::kFloat, .device = compute.device}),
        narrow_(packed(before(plain_layer(w.below("conv3.")), residual_scale(w.get("beta"))), compute)),
        feed_in_(packed(behind(plain_layer(w.below("conv4.")), norm_affine(w.below("norm2."))), compute)),
        feed_out_(packed(before(plain_layer(w.below("conv5.")), residual_scale(w.get("gamma"))), compute)) {}

  /// Adds to x, float32 [height * width, C].
  void run(const at::Tensor& x, std::int64_t height, std::int64_t width, const LayerCheck& check) const {
    const auto gated = depthwise_(widen_(normalized(x, dtype_)), height, width);
    check();
    const auto factors = attention_(gated.mean).to(dtype_);
    const auto inner = feed_out_.in();
    const auto rest = [&](std::int64_t first, std::int64_t some) {
      const auto sum = x.narrow(0, first, some);
      add_to(sum, narrow_, gated.tokens.narrow(0, first, some).mul_(factors));
      const auto both = feed_in_(normalized(sum, dtype_));
      add_to(sum, feed_out_, both.narrow(1, 0, inner).mul_(both.narrow(1, inner, inner)));
    };
    if (x.device().is_cpu()) for_token_chunks(x.size(0), chunk_of(inner), rest);
    else rest(0, x.size(0));
    check();
  }

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(widen_.bytes() + attention_.bytes() + narrow_.bytes() + feed_in_.bytes() + feed_out_.bytes()) +
           depthwise_.bytes();
  }

 private:
  at::ScalarType dtype_;
  Linear widen_;
  DepthwiseGate depthwise_;
  Linear attention_, narrow_, feed_in_, feed_out_;
};

/// In bf16 the sums that blocks add to, the norms, and the layers at both ends stay float32.
class Nafnet final : public Upscaler {
 public:
  Nafnet(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute)
      : Upscaler(info),
        options_(at::TensorOptions().device(compute.device).dtype(at::kFloat)),
        intro_(outer(tensors, "intro", compute)),
        ending_(outer(tensors, "ending", compute)) {
    const Weights weights(std::make_shared<const StateDict>(tensors));
    const auto blocks = [&](const std::string& place) {
      std::vector<Block> made;
      for (std::int64_t i = 0; i < count_blocks(tensors, place); ++i) made.emplace_back(weights.below(block_name(place, i)), compute);
      return made;
    };
    const auto levels = count_levels(tensors);
    for (std::int64_t level = 0; level < levels; ++level)
      levels_.push_back({blocks(encoder_name(level)), blocks(decoder_name(levels - 1 - level)),
                         Halving(tensors.at(down_name(level) + ".weight"), tensors.at(down_name(level) + ".bias"), compute),
                         Doubling::shuffled(tensors.at(up_name(levels - 1 - level) + ".weight"), compute)});
    middle_ = blocks(kMiddle);
  }

  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    const auto multiple = std::int64_t{1} << levels_.size();
    const auto missing = [&](std::int64_t size) { return (multiple - size % multiple) % multiple; };
    auto result = at::empty(image.sizes(), at::kFloat);
    for (std::int64_t b = 0; b < image.size(0); ++b) {
      const auto x = at::constant_pad_nd(image.narrow(0, b, 1).to(options_), {0, missing(image.size(3)), 0, missing(image.size(2))});
      result.narrow(0, b, 1).copy_(ending_(through(intro_(x), check)).add_(x).slice(2, 0, image.size(2)).slice(3, 0, image.size(3)));
    }
    return result;
  }

  std::int64_t bytes() const override {
    std::int64_t sum = intro_.bytes() + ending_.bytes();
    const auto add = [&sum](const std::vector<Block>& blocks) {
      for (const auto& block : blocks) sum += block.bytes();
    };
    add(middle_);
    for (const auto& level : levels_)
      add(level.encoder), add(level.decoder), sum += static_cast<std::int64_t>(level.down.bytes() + level.up.bytes());
    return sum;
  }

 private:
  struct Level {
    std::vector<Block> encoder, decoder;
    Halving down;
    Doubling up;
  };

  static Conv2d outer(const StateDict& t, const std::string& name, Compute compute) {
    compute.dtype = at::kFloat;
    return Conv2d(t.at(name + ".weight"), t.at(name + ".bias"), Activation::none(), compute);
  }

  /// Adds to x, float32 [1,C,H,W] in channels-last memory.
  static void run(const std::vector<Block>& blocks, const at::Tensor& x, const LayerCheck& check) {
    for (const auto& block : blocks) block.run(tokens_of(x).squeeze(0), x.size(2), x.size(3), check);
  }

  /// What lies between intro and ending.
  at::Tensor through(at::Tensor x, const LayerCheck& check) const {
    std::vector<at::Tensor> kept;
    for (const auto& level : levels_) {
      run(level.encoder, x, check);
      kept.push_back(x);
      x = level.down(x).to(at::kFloat);
    }
    run(middle_, x, check);
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
      level->up.add_to(kept.back(), x);
      x = kept.back();
      kept.pop_back();
      run(level->decoder, x, check);
    }
    return x;
  }

  at::TensorOptions options_;  ///< of the sums
  Conv2d intro_, ending_;
  std::vector<Level> levels_;  ///< from the picture's size downwards
  std::vector<Block> middle_;
};

void expect_layer(ShapeCheck& shapes, const std::string& name, std::int64_t out, std::int64_t in, std::int64_t side) {
  shapes.expect(name + ".weight", {out, in, side, side});
  shapes.expect(name + ".bias", {out});
}

void expect_block(ShapeCheck& shapes, const std::string& name, std::int64_t c) {
  for (const char* factor : {"beta", "gamma"}) shapes.expect(name + factor, {1, c, 1, 1});
  for (const char* norm : {"norm1", "norm2"}) shapes.expect(name + norm + ".weight", {c}), shapes.expect(name + norm + ".bias", {c});
  expect_layer(shapes, name + "conv1", 2 * c, c, 1);
  expect_layer(shapes, name + "conv2", 2 * c, 1, 3);
  for (const char* layer : {"conv3", "conv5", "sca.1"}) expect_layer(shapes, name + layer, c, c, 1);
  expect_layer(shapes, name + "conv4", 2 * c, c, 1);
}

}  // namespace

bool is_nafnet(const StateDict& tensors) {
  return tensors.contains("intro.weight") && tensors.contains("ending.weight") && tensors.contains(up_name(0) + ".weight") &&
         tensors.contains(block_name(kMiddle, 0) + "conv1.weight");
}

UpscalerInfo check_nafnet(const StateDict& tensors) {
  const auto first = sizes_of(tensors, "intro.weight", 4);
  const auto width = first[0], channels = first[1], levels = count_levels(tensors);
  if (levels > kMostLevels) throw InvalidInput("a NAFNet network of " + std::to_string(levels) + " levels");
  UpscalerInfo info{.architecture = "NAFNet",
                    .in_channels = static_cast<int>(channels),
                    .out_channels = static_cast<int>(channels),
                    .features = static_cast<int>(width)};
  ShapeCheck shapes(tensors);
  const auto expect_blocks = [&](const std::string& place, std::int64_t c) {
    const auto blocks = count_blocks(tensors, place);
    for (std::int64_t i = 0; i < blocks; ++i) expect_block(shapes, block_name(place, i), c);
    info.blocks += static_cast<int>(blocks);
  };
  shapes.expect_conv("intro", width, channels);
  shapes.expect_conv("ending", channels, width);
  for (std::int64_t level = 0; level < levels; ++level) {
    const auto c = width << level;
    expect_blocks(encoder_name(level), c);
    expect_layer(shapes, down_name(level), 2 * c, c, 2);
    shapes.expect(up_name(levels - 1 - level) + ".weight", {4 * c, 2 * c, 1, 1});
    expect_blocks(decoder_name(levels - 1 - level), c);
  }
  expect_blocks(kMiddle, width << levels);
  shapes.finish();
  return info;
}

std::unique_ptr<Upscaler> make_nafnet(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return std::make_unique<Nafnet>(tensors, info, compute);
}

}  // namespace darkroom
