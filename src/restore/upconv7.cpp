#include "restore/upconv7.hpp"

#include <ATen/ops/pixel_shuffle.h>

#include <array>
#include <vector>

#include "base/error.hpp"
#include "restore/doubling_conv.hpp"
#include "restore/shapes.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kLayers = 7;
constexpr int kBorder = 7;  // pixels a side: six convolutions take one each, the last layer another
constexpr float kSlope = 0.1F;

/// Convolutions and LeakyReLUs are numbered together.
std::string layer_name(std::int64_t layer) { return "net." + std::to_string(2 * layer); }

class UpConv7 final : public Upscaler {
 public:
  UpConv7(const StateDict& t, const UpscalerInfo& info, const Compute& compute)
      : Upscaler(info), options_(at::TensorOptions().device(compute.device).dtype(compute.dtype)) {
    for (std::int64_t i = 0; i + 1 < kLayers; ++i)
      layers_.emplace_back(t.at(layer_name(i) + ".weight"), t.at(layer_name(i) + ".bias"), Activation::leaky(kSlope), compute);
    layers_.push_back(doubling_conv(t.at(layer_name(kLayers - 1) + ".weight"), t.at(layer_name(kLayers - 1) + ".bias"), compute));
  }

  /// The layers see zeros around the picture. What these reach, a pixel more a layer, is cut off at the end.
  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    const auto height = image.size(2) - 2 * kBorder, width = image.size(3) - 2 * kBorder;
    if (height < 1 || width < 1) throw InvalidInput("waifu2x: the picture is smaller than its border");
    auto x = image.to(options_);
    std::array<at::Tensor, 2> room;  // results of the layers in turn
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      check();
      x = layers_[i](x, room[i % 2]);
      room[i % 2] = x;
    }
    return at::pixel_shuffle(x.narrow(2, kBorder, height).narrow(3, kBorder, width), info().scale).to(at::kCPU, at::kFloat);
  }

  std::int64_t bytes() const override {
    std::int64_t sum = 0;
    for (const auto& layer : layers_) sum += layer.bytes();
    return sum;
  }

 private:
  at::TensorOptions options_;  ///< of everything inside
  std::vector<Conv2d> layers_;
};

}  // namespace

bool is_upconv7(const StateDict& tensors) {
  const auto last = tensors.find(layer_name(kLayers - 1) + ".weight");
  return tensors.contains(layer_name(0) + ".weight") && last != tensors.end() && last->second.dim() == 4 &&
         last->second.size(2) == kDoublingSide;
}

UpscalerInfo check_upconv7(const StateDict& tensors) {
  auto channels = sizes_of(tensors, layer_name(0) + ".weight", 4)[1];
  UpscalerInfo info{.architecture = "waifu2x UpConv7",
                    .scale = 2,
                    .in_channels = static_cast<int>(channels),
                    .out_channels = static_cast<int>(channels),
                    .blocks = kLayers};
  info.border = info.inset = kBorder;
  ShapeCheck shapes(tensors);
  for (std::int64_t i = 0; i + 1 < kLayers; ++i) {
    const auto out = sizes_of(tensors, layer_name(i) + ".weight", 4)[0];
    shapes.expect_conv(layer_name(i), out, channels);
    channels = out;
  }
  info.features = static_cast<int>(channels);
  shapes.expect(layer_name(kLayers - 1) + ".weight", {channels, info.out_channels, kDoublingSide, kDoublingSide});
  shapes.expect(layer_name(kLayers - 1) + ".bias", {info.out_channels});
  shapes.finish();
  return info;
}

std::unique_ptr<Upscaler> make_upconv7(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return std::make_unique<UpConv7>(tensors, info, compute);
}

}  // namespace darkroom
