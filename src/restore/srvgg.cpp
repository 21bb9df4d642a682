#include "restore/srvgg.hpp"

#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "restore/shapes.hpp"

namespace darkroom {
namespace {

/// N of `body.N.weight` or `body.N.bias`, or -1.
int index_of(std::string_view name) {
  if (!name.starts_with("body.")) return -1;
  name.remove_prefix(5);
  int index = -1;
  const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), index);
  const std::string_view rest(end, static_cast<std::size_t>(name.data() + name.size() - end));
  return fault == std::errc{} && (rest == ".weight" || rest == ".bias") ? index : -1;
}

std::string conv_name(int layer) { return "body." + std::to_string(2 * layer); }
std::string slope_name(int layer) { return "body." + std::to_string(2 * layer + 1) + ".weight"; }

class Srvgg final : public Upscaler {
 public:
  Srvgg(const StateDict& t, const UpscalerInfo& info, const Compute& compute) : Upscaler(info), options_(at::TensorOptions().device(compute.device).dtype(compute.dtype)) {
    for (int i = 0; i <= info.blocks + 1; ++i) {
      auto activation = i <= info.blocks ? Activation::prelu(t.at(slope_name(i)).to(at::kFloat)) : Activation::none();
      layers_.emplace_back(t.at(conv_name(i) + ".weight"), t.at(conv_name(i) + ".bias"), std::move(activation), compute);
    }
  }

  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    auto x = image.to(options_);
    std::array<at::Tensor, 2> room;  // results of the layers in turn
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      check();
      x = layers_[i](x, room[i % 2]);
      room[i % 2] = x;
    }
    const int r = info().scale;
    auto base = at::upsample_nearest2d(image, {image.size(2) * r, image.size(3) * r});
    return at::pixel_shuffle(x, r).to(at::kCPU, at::kFloat).add_(base);
  }

  std::int64_t bytes() const override {
    std::int64_t sum = 0;
    for (const auto& layer : layers_) sum += layer.bytes();
    return sum;
  }

 private:
  at::TensorOptions options_;  ///< of everything inside
  std::vector<Conv2d> layers_;  // conv + PReLU, the last without
};

}  // namespace

bool is_srvgg(const StateDict& tensors) {
  if (!tensors.contains("body.0.weight") || !tensors.contains("body.1.weight")) return false;
  for (const auto& [name, tensor] : tensors)
    if (index_of(name) < 0) return false;
  return true;
}

UpscalerInfo check_srvgg(const StateDict& tensors) {
  int last = 0;
  for (const auto& [name, tensor] : tensors) last = std::max(last, index_of(name));
  if (last < 2 || last % 2) throw InvalidInput("a Compact network whose last layer isn't a convolution");
  const auto first = sizes_of(tensors, "body.0.weight", 4);
  const auto shuffled = sizes_of(tensors, "body." + std::to_string(last) + ".bias", 1)[0];
  UpscalerInfo info;
  info.architecture = "Compact";
  info.features = static_cast<int>(first[0]);
  info.in_channels = info.out_channels = static_cast<int>(first[1]);
  info.blocks = (last - 2) / 2;
  info.scale = static_cast<int>(std::lround(std::sqrt(static_cast<double>(shuffled) / static_cast<double>(first[1]))));
  if (info.scale < 1 || std::int64_t{info.scale} * info.scale * first[1] != shuffled)
    throw InvalidInput("a Compact network whose " + std::to_string(shuffled) + " outputs are no square of pixels");

  ShapeCheck shapes(tensors);
  for (int i = 0; i <= info.blocks + 1; ++i) {
    shapes.expect_conv(conv_name(i), i <= info.blocks ? info.features : shuffled, i ? info.features : info.in_channels);
    if (i <= info.blocks) shapes.expect(slope_name(i), {info.features});
  }
  shapes.finish();
  return info;
}

std::unique_ptr<Upscaler> make_srvgg(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return std::make_unique<Srvgg>(tensors, info, compute);
}

}  // namespace darkroom
