#include "restore/srmd.hpp"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "restore/shapes.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kColours = 3;
/// "Shrunk by bicubic interpolation" as the networks know it: the first 15 principal components of that blur's kernel.
constexpr std::array<float, 15> kBicubic = {-1.12360956e-08F, -1.36899159e-08F, 1.85637958e-02F,  2.86066886e-08F,  3.35292965e-02F,
                                            8.37272935e-08F,  -2.54424009e-07F, -3.16234976e-02F, -1.35169253e-02F, -1.10466090e-08F,
                                            3.84753793e-02F,  3.79465739e-08F,  -2.44916752e-01F, -8.02213490e-01F, -5.40549755e-01F};
constexpr std::int64_t kWithoutNoise = kColours + static_cast<std::int64_t>(kBicubic.size()), kWithNoise = kWithoutNoise + 1;
constexpr std::int64_t kPlanes = 24;  // of the packed network's input: those beyond are zero, and fill the convolution's registers
constexpr float kUsualNoise = 3;      // 8-bit steps: what the networks' own program assumes of a picture that nothing is known of
constexpr int kBorder = 12;  // pixels: as far as twelve convolutions see, and what the networks' own programs repeat of a picture's edge

/// Convolutions and ReLUs are numbered together.
std::string layer_name(std::int64_t layer) { return "model." + std::to_string(2 * layer); }

std::int64_t count_layers(const StateDict& tensors) {
  std::int64_t layers = 0;
  while (tensors.contains(layer_name(layers) + ".weight")) ++layers;
  return layers;
}

class Srmd final : public Upscaler {
 public:
  Srmd(const StateDict& t, const UpscalerInfo& info, const Compute& compute)
      : Upscaler(info), options_(at::TensorOptions().device(compute.device).dtype(compute.dtype)) {
    std::vector<Conv2d> layers;
    const auto count = count_layers(t);
    for (std::int64_t i = 0; i < count; ++i) {
      auto weight = t.at(layer_name(i) + ".weight");
      if (i == 0) weight = at::constant_pad_nd(weight, {0, 0, 0, 0, 0, kPlanes - weight.size(1)});
      layers.emplace_back(weight, t.at(layer_name(i) + ".bias"), i + 1 < count ? Activation::leaky(0) : Activation::none(), compute);
    }
    layers_ = std::make_shared<const std::vector<Conv2d>>(std::move(layers));
  }

  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    auto x = planes(image);
    std::array<at::Tensor, 2> room;  // results of the layers in turn
    for (std::size_t i = 0; i < layers_->size(); ++i) {
      check();
      x = (*layers_)[i](x, room[i % 2]);
      room[i % 2] = x;
    }
    return at::pixel_shuffle(x, info().scale).to(at::kCPU, at::kFloat);
  }

  std::int64_t bytes() const override {
    std::int64_t sum = 0;
    for (const auto& layer : *layers_) sum += layer.bytes();
    return sum;
  }

  std::unique_ptr<const Upscaler> at_noise(double sigma) const override {
    if (!info().takes_noise) return Upscaler::at_noise(sigma);
    auto other = std::make_unique<Srmd>(*this);
    other->noise_ = static_cast<float>(sigma / 255);
    return other;
  }

 private:
  /// The picture, and what is said about it: the same everywhere.
  at::Tensor planes(const at::Tensor& image) const {
    auto x = empty_nhwc(image.size(0), kPlanes, image.size(2), image.size(3), options_);
    std::array<float, kPlanes - kColours> rest{};
    std::copy(kBicubic.begin(), kBicubic.end(), rest.begin());
    rest[kBicubic.size()] = noise_;  // without effect where a network has no weights for it
    x.narrow(1, 0, kColours).copy_(image);
    x.narrow(1, kColours, kPlanes - kColours).copy_(at::tensor(at::ArrayRef<float>(rest)).view({1, -1, 1, 1}));
    return x;
  }

  at::TensorOptions options_;                          ///< of everything inside
  std::shared_ptr<const std::vector<Conv2d>> layers_;  ///< conv + ReLU, the last without; shared by those that are told of other noise
  float noise_ = kUsualNoise / 255;
};

}  // namespace

bool is_srmd(const StateDict& tensors) {
  const auto first = tensors.find(layer_name(0) + ".weight");
  return first != tensors.end() && first->second.dim() == 4 &&
         (first->second.size(1) == kWithNoise || first->second.size(1) == kWithoutNoise);
}

UpscalerInfo check_srmd(const StateDict& tensors) {
  const auto layers = count_layers(tensors);
  if (layers < 2) throw InvalidInput("an SRMD network of a single layer");
  const auto first = sizes_of(tensors, layer_name(0) + ".weight", 4), last = sizes_of(tensors, layer_name(layers - 1) + ".weight", 4);
  UpscalerInfo info;
  info.takes_noise = first[1] == kWithNoise;
  info.architecture = info.takes_noise ? "SRMD" : "SRMDNF";
  info.features = static_cast<int>(first[0]);
  info.blocks = static_cast<int>(layers);
  info.border = kBorder;
  info.scale = static_cast<int>(std::lround(std::sqrt(static_cast<double>(last[0]) / kColours)));
  if (info.scale < 1 || std::int64_t{info.scale} * info.scale * kColours != last[0])
    throw InvalidInput("an SRMD network whose " + std::to_string(last[0]) + " outputs are no square of pixels");
  ShapeCheck shapes(tensors);
  for (std::int64_t i = 0; i < layers; ++i) shapes.expect_conv(layer_name(i), i + 1 < layers ? first[0] : last[0], i ? first[0] : first[1]);
  shapes.finish();
  return info;
}

std::unique_ptr<Upscaler> make_srmd(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return std::make_unique<Srmd>(tensors, info, compute);
}

}  // namespace darkroom
