#include "restore/ddcolor/convnext.hpp"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/zeros_like.h>

#include <string>

#include "restore/folding.hpp"

namespace darkroom {
namespace {

/// [H,W,C] -> the side x side pixels of each place as one token: [H/side * W/side, side * side * C].
at::Tensor patches(const at::Tensor& image, std::int64_t side) {
  const auto height = image.size(0) / side, width = image.size(1) / side, channels = image.size(2);
  return image.view({height, side, width, side, channels}).permute({0, 2, 1, 3, 4}).reshape({height * width, side * side * channels});
}

/// A convolution's weight [out,in,k,k] as patches() wants it.
Linear patch_layer(const FoldedLayer& layer, const Compute& compute) {
  return Linear(layer.weight.permute({0, 2, 3, 1}).reshape({layer.weight.size(0), -1}), layer.bias, compute);
}

at::Tensor normalized(const at::Tensor& tokens) { return at::layer_norm(tokens, {tokens.size(1)}, {}, {}, ConvNext::kEps); }

}  // namespace

ConvNext::ConvNext(const Weights& weights, const std::array<std::int64_t, kStages>& depths, const at::Tensor& mean, const at::Tensor& std, const Compute& compute) : dtype_(compute.dtype) {
  auto exact = compute;
  exact.dtype = at::kFloat;  // the stem: a hundredth of the work, and everything hangs on it
  for (std::size_t s = 0; s < kStages; ++s) {
    const auto down = weights.below("downsample_layers." + std::to_string(s) + ".");
    const auto scale = std.to(at::kDouble).reciprocal();
    auto& stage = s == 0 ? stages_.emplace_back(Stage{patch_layer(behind(plain_layer(down.below("0.")), {scale, mean.to(at::kDouble).neg().mul(scale)}), exact), {}})
                         : stages_.emplace_back(Stage{patch_layer(behind(plain_layer(down.below("1.")), norm_affine(down.below("0."))), compute), {}});
    for (std::int64_t b = 0; b < depths[s]; ++b) {
      const auto w = weights.below("stages." + std::to_string(s) + "." + std::to_string(b) + ".");
      const auto wide = behind(plain_layer(w.below("pwconv1.")), norm_affine(w.below("norm.")));
      const auto gamma = w.get("gamma").to(at::kDouble);
      const auto narrow = before(plain_layer(w.below("pwconv2.")), {gamma, at::zeros_like(gamma)});
      stage.blocks.push_back({DepthwiseNorm(w.get("dwconv.weight"), w.get("dwconv.bias"), kEps, compute), GeluFeedForward(wide.weight, wide.bias, narrow.weight, narrow.bias, compute)});
    }
  }
  const auto stem = norm_affine(weights.below("downsample_layers.0.1."));
  stem_weight_ = stem.scale.to(compute.device, at::kFloat), stem_bias_ = stem.shift.to(compute.device, at::kFloat);
}

std::vector<FeatureMap> ConvNext::operator()(const at::Tensor& rgb, Work& work) const {
  std::vector<FeatureMap> maps;
  FeatureMap x{rgb.permute({1, 2, 0}).contiguous(), rgb.size(1), rgb.size(2)};
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const auto& stage = stages_[s];
    const auto side = s == 0 ? 4 : 2;
    const auto input = s == 0 ? x.tokens : normalized(x.tokens).to(dtype_).view({x.height, x.width, -1});
    x = {stage.shrink(patches(input, side)).to(at::kFloat), x.height / side, x.width / side};
    if (s == 0) x.tokens = at::layer_norm(x.tokens, {x.tokens.size(1)}, stem_weight_, stem_bias_, kEps);
    work.step();
    for (const auto& block : stage.blocks) {
      block.feed.add_to(block.depthwise(x.tokens, x.height, x.width), x.tokens, [&work] { work.check(); });
      work.step();
    }
    maps.push_back(x);
    // The next stage makes tokens of its own; these stay as they are.
  }
  return maps;
}

void ConvNext::plan(std::int64_t height, std::int64_t width, std::vector<double>& steps) const {
  auto pixels = static_cast<double>(height * width);
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    const auto& stage = stages_[s];
    pixels /= s == 0 ? 16 : 4;
    const auto channels = static_cast<double>(stage.shrink.out());
    steps.push_back(pixels * channels * static_cast<double>(stage.shrink.in()));
    steps.insert(steps.end(), stage.blocks.size(), pixels * channels * (8 * channels + 49));
  }
}

std::int64_t ConvNext::bytes() const {
  std::size_t sum = 0;
  for (const auto& stage : stages_) {
    sum += stage.shrink.bytes();
    for (const auto& block : stage.blocks) sum += static_cast<std::size_t>(block.depthwise.bytes()) + block.feed.bytes();
  }
  return static_cast<std::int64_t>(sum);
}

}  // namespace darkroom
