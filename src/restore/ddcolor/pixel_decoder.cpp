#include "restore/ddcolor/pixel_decoder.hpp"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>

#include "tensor/shuffle.hpp"

namespace darkroom {
namespace {

/// Multiplications of a convolution between two looks at whether to go on: some tenths of a second on two cores.
constexpr std::int64_t kBandMultiplications = 20'000'000'000;
/// Pixels that are enlarged together by the last shuffle; what it makes of them, thousands of channels, stays in the cache.
constexpr std::int64_t kPixels = 256;

std::string layer_name(std::size_t scale) { return "layers." + std::to_string(scale) + "."; }

Linear sorted_layer(const FoldedLayer& layer, std::int64_t factor, const Compute& compute) {
  return Linear(sorted_by_place(layer.weight.flatten(1), factor), sorted_by_place(layer.bias, factor), compute);
}

Linear last_layer(const Weights& decoder, const Compute& compute) {
  return sorted_layer(behind(spectral_layer(decoder.below("last_shuf.conv.0.")), PixelDecoder::norm(decoder, PixelDecoder::kScales - 1)), PixelDecoder::kLastFactor, compute);
}

/// How many rows of the output go through the convolution at once.
std::int64_t band_rows(const Conv2d& conv, std::int64_t width) {
  return std::max<std::int64_t>(kBandMultiplications / (9 * conv.in_channels() * conv.out_channels() * width), 4);
}

std::int64_t bands(const Conv2d& conv, std::int64_t height, std::int64_t width) {
  const auto rows = band_rows(conv, width);
  return (height + rows - 1) / rows;
}

at::Tensor normalized(const at::Tensor& tokens, const at::Tensor& scale, const at::Tensor& shift) {
  return at::layer_norm(tokens, {tokens.size(1)}, scale, shift, ConvNext::kEps);
}

}  // namespace

PixelDecoder::PixelDecoder(const Weights& decoder, const Weights& encoder, const Compute& compute, const Compute& convolutions)
    : last_(last_layer(decoder, compute)),
      options_(at::TensorOptions().device(compute.device).dtype(compute.dtype)),
      conv_options_(options_.dtype(convolutions.dtype)) {
  const auto floats = [&](const at::Tensor& vector) { return vector.to(compute.device, at::kFloat); };
  const auto top = norm_affine(encoder.below("norm3."));
  top_scale_ = floats(top.scale), top_shift_ = floats(top.shift);
  for (std::size_t i = 0; i < kScales; ++i) {
    const auto w = decoder.below(layer_name(i));
    auto enlarge = before(spectral_layer(w.below("shuf.conv.0.")), batch_norm(w.below("shuf.conv.1.")));
    if (i > 0) enlarge = behind(std::move(enlarge), norm(decoder, i - 1));
    const auto side = after(norm_affine(encoder.below("norm" + std::to_string(2 - i) + ".")), batch_norm(w.below("bn.")));
    const auto conv = spectral_layer(w.below("conv.0."));
    blocks_.push_back({sorted_layer(enlarge, 2, compute), floats(side.scale), floats(side.shift),
                       Conv2d(conv.weight, conv.bias, Activation::leaky(0), convolutions)});
  }
}

ChannelAffine PixelDecoder::norm(const Weights& decoder, std::size_t scale) { return batch_norm(decoder.below(layer_name(scale) + "conv.2.")); }

FeatureMap PixelDecoder::through(const Block& block, const at::Tensor& tokens, const FeatureMap& side, Work& work) const {
  const auto height = side.height, width = side.width, beside = side.tokens.size(1), enlarged = block.enlarge.out() / 4;
  // The enlarged map and the encoder's stage lie side by side in one picture; nothing is concatenated.
  const auto both = empty_nhwc(1, enlarged + beside, height, width, conv_options_);
  shuffle_blur(block.enlarge(tokens).to(conv_options_.dtype()), height / 2, width / 2, 2, both.narrow(1, 0, enlarged));
  both.narrow(1, enlarged, beside).permute({0, 2, 3, 1}).copy_(at::relu(normalized(side.tokens, block.side_scale, block.side_shift)).view({1, height, width, beside}));
  work.step();

  const auto rows = band_rows(block.conv, width);
  at::Tensor y;
  if (rows >= height) {
    y = block.conv(both);
    work.step();
  } else {
    y = empty_nhwc(1, block.conv.out_channels(), height, width, conv_options_);
    for (std::int64_t first = 0; first < height; first += rows) {
      block.conv.band({both, 0}, height, {y.narrow(2, first, std::min(rows, height - first)), first});
      work.step();
    }
  }
  return {y.permute({0, 2, 3, 1}).reshape({height * width, y.size(1)}).to(options_.dtype()), height, width};
}

std::vector<FeatureMap> PixelDecoder::operator()(const std::vector<FeatureMap>& stages, Work& work) const {
  std::vector<FeatureMap> maps;
  auto tokens = normalized(stages[3].tokens, top_scale_, top_shift_).to(options_.dtype());
  for (std::size_t i = 0; i < kScales; ++i) {
    maps.push_back(through(blocks_[i], tokens, stages[2 - i], work));
    tokens = maps.back().tokens;
  }
  return maps;
}

at::Tensor PixelDecoder::project(const FeatureMap& map, const at::Tensor& vectors, Work& work) const {
  const auto pixels = map.height * map.width, step = map.tokens.device().is_cpu() ? kPixels : 16 * kPixels;
  auto places = at::empty({pixels, kLastFactor * kLastFactor, 2}, map.tokens.options().dtype(at::kFloat));
  for (std::int64_t first = 0; first < pixels; first += step) {
    const auto count = std::min(step, pixels - first);
    places.narrow(0, first, count).copy_(shuffle_project(last_(map.tokens.narrow(0, first, count)), vectors));
    work.step();
  }
  const auto picture = places.view({map.height, map.width, kLastFactor, kLastFactor, 2}).permute({4, 0, 2, 1, 3}).reshape({1, 2, map.height * kLastFactor, map.width * kLastFactor});
  // The blur takes each channel alone, so it may come after the product.
  return at::avg_pool2d(at::replication_pad2d(picture, {1, 0, 1, 0}), 2, 1).squeeze(0);
}

void PixelDecoder::plan(std::int64_t height, std::int64_t width, std::vector<double>& steps) const {
  height /= 16, width /= 16;
  for (std::size_t i = 0; i < kScales; ++i, height *= 2, width *= 2) {
    const auto& block = blocks_[i];
    steps.push_back(static_cast<double>(height * width / 4 * block.enlarge.in() * block.enlarge.out()));
    const auto parts = bands(block.conv, height, width);
    const auto all = 9.0 * static_cast<double>(height * width * block.conv.in_channels() * block.conv.out_channels());
    steps.insert(steps.end(), static_cast<std::size_t>(parts), all / static_cast<double>(parts));
  }
}

void PixelDecoder::plan_project(std::int64_t height, std::int64_t width, std::vector<double>& steps) const {
  const auto pixels = height / kLastFactor * (width / kLastFactor), step = options_.device().is_cpu() ? kPixels : 16 * kPixels;
  const auto parts = (pixels + step - 1) / step;
  steps.insert(steps.end(), static_cast<std::size_t>(parts), static_cast<double>(pixels * last_.in() * last_.out()) / static_cast<double>(parts));
}

std::int64_t PixelDecoder::bytes() const {
  auto sum = static_cast<std::int64_t>(last_.bytes());
  for (const auto& block : blocks_) sum += static_cast<std::int64_t>(block.enlarge.bytes()) + block.conv.bytes();
  return sum;
}

}  // namespace darkroom
