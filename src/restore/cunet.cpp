#include "restore/cunet.hpp"

#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/sigmoid.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "restore/doubling_conv.hpp"
#include "restore/halving.hpp"
#include "restore/shapes.hpp"
#include "tensor/linear.hpp"

namespace darkroom {
namespace {

constexpr float kSlope = 0.1F;
const std::string kFirst = "unet1.", kSecond = "unet2.";

/// [B,C,H,W] without `margin` pixels on all sides: a view.
at::Tensor inner(const at::Tensor& x, std::int64_t margin) {
  return x.narrow(2, margin, x.size(2) - 2 * margin).narrow(3, margin, x.size(3) - 2 * margin);
}

/// 3x3 convolutions here have no padding: the pixels that saw zeros are cut off.
at::Tensor valid(const Conv2d& layer, const at::Tensor& x) { return inner(layer(x), 1); }

class Parts {
 public:
  Parts(const StateDict& tensors, const Compute& compute) : tensors_(tensors), compute_(compute) {}
  const at::Tensor& weight(const std::string& name) const { return tensors_.at(name + ".weight"); }
  const at::Tensor& bias(const std::string& name) const { return tensors_.at(name + ".bias"); }
  bool has(const std::string& name) const { return tensors_.contains(name + ".weight"); }
  Conv2d conv(const std::string& name, Activation activation) const {
    return Conv2d(weight(name), bias(name), std::move(activation), compute_);
  }
  Conv2d active(const std::string& name) const { return conv(name, Activation::leaky(kSlope)); }
  Halving halving(const std::string& name) const { return Halving(weight(name), bias(name), compute_); }
  Doubling doubling(const std::string& name) const { return Doubling::transposed(weight(name), bias(name), kSlope, compute_); }
  Linear exact(const std::string& name) const { return Linear(weight(name), bias(name), {.dtype = at::kFloat, .device = compute_.device}); }
  Conv2d doubling_conv(const std::string& name) const { return darkroom::doubling_conv(weight(name), bias(name), compute_); }

 private:
  const StateDict& tensors_;
  const Compute& compute_;
};

/// Factors for channels, of their means over the picture (squeeze and excitation, Hu et al. 2018).
class ChannelAttention {
 public:
  ChannelAttention(const Parts& parts, const std::string& name)
      : squeeze_(parts.exact(name + "conv1")), excite_(parts.exact(name + "conv2")) {}
  /// In place.
  void scale(const at::Tensor& x) const {
    const auto factors = at::sigmoid(excite_(at::relu(squeeze_(x.mean(at::IntArrayRef{2, 3}, false, at::kFloat)))));
    x.mul_(factors.to(x.scalar_type()).view({x.size(0), x.size(1), 1, 1}));
  }
  std::size_t bytes() const { return squeeze_.bytes() + excite_.bytes(); }

 private:
  Linear squeeze_, excite_;
};

/// Two convolutions, and attention where there is one.
class Stage {
 public:
  Stage(const Parts& parts, const std::string& name) : one_(parts.active(name + "conv.0")), two_(parts.active(name + "conv.2")) {
    if (parts.has(name + "seblock.conv1")) attention_.emplace(parts, name + "seblock.");
  }
  at::Tensor operator()(const at::Tensor& x, const LayerCheck& check) const {
    check();
    const auto between = valid(one_, x);
    check();
    auto y = valid(two_, between);
    if (attention_) attention_->scale(y);
    return y;
  }
  std::int64_t bytes() const { return one_.bytes() + two_.bytes() + static_cast<std::int64_t>(attention_ ? attention_->bytes() : 0); }

 private:
  Conv2d one_, two_;
  std::optional<ChannelAttention> attention_;
};

/// The first network: one step down and up again.
class Shallow {
 public:
  explicit Shallow(const Parts& parts, const std::string& p)
      : top_(parts, p + "conv1."),
        down_(parts.halving(p + "conv1_down")),
        deep_(parts, p + "conv2."),
        up_(parts.doubling(p + "conv2_up")),
        last_(parts.active(p + "conv3")) {}
  at::Tensor operator()(const at::Tensor& x, const LayerCheck& check) const {
    const auto top = top_(x, check);
    auto below = down_(top);
    const auto deep = deep_(at::leaky_relu_(below, kSlope), check);
    const auto sum = inner(top, 4);
    up_.add_to(sum, deep);
    check();
    return valid(last_, sum);
  }
  std::int64_t bytes() const {
    return top_.bytes() + deep_.bytes() + last_.bytes() + static_cast<std::int64_t>(down_.bytes() + up_.bytes());
  }

 private:
  Stage top_;
  Halving down_;
  Stage deep_;
  Doubling up_;
  Conv2d last_;
};

/// The second one: two steps.
class Deep {
 public:
  explicit Deep(const Parts& parts, const std::string& p)
      : top_(parts, p + "conv1."),
        middle_(parts, p + "conv2."),
        deep_(parts, p + "conv3."),
        rising_(parts, p + "conv4."),
        down_{parts.halving(p + "conv1_down"), parts.halving(p + "conv2_down")},
        up_{parts.doubling(p + "conv3_up"), parts.doubling(p + "conv4_up")},
        last_(parts.active(p + "conv5")),
        bottom_(parts.conv(p + "conv_bottom", Activation::none())) {}
  at::Tensor operator()(const at::Tensor& x, const LayerCheck& check) const {
    const auto top = top_(x, check);
    auto below = down_[0](top);
    const auto middle = middle_(at::leaky_relu_(below, kSlope), check);
    below = down_[1](middle);
    const auto deep = deep_(at::leaky_relu_(below, kSlope), check);
    const auto middle_sum = inner(middle, 4), top_sum = inner(top, 16);
    up_[0].add_to(middle_sum, deep);
    up_[1].add_to(top_sum, rising_(middle_sum, check));
    check();
    const auto last = valid(last_, top_sum);
    check();
    return valid(bottom_, last);
  }
  std::int64_t bytes() const {
    std::size_t sum = 0;
    for (const auto& layer : down_) sum += layer.bytes();
    for (const auto& layer : up_) sum += layer.bytes();
    return top_.bytes() + middle_.bytes() + deep_.bytes() + rising_.bytes() + last_.bytes() + bottom_.bytes() +
           static_cast<std::int64_t>(sum);
  }

 private:
  Stage top_, middle_, deep_, rising_;
  std::vector<Halving> down_;
  std::vector<Doubling> up_;
  Conv2d last_, bottom_;
};

class Cunet final : public Upscaler {
 public:
  Cunet(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute)
      : Cunet(Parts(tensors, compute), info, at::TensorOptions().device(compute.device).dtype(compute.dtype)) {}

  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    const std::int64_t inset = info().inset, scale = info().scale, multiple = 4 / scale;
    const auto height = image.size(2) - 2 * inset, width = image.size(3) - 2 * inset;
    if (height < 1 || width < 1) throw InvalidInput("waifu2x: the picture is smaller than its border");
    const auto missing = [multiple](std::int64_t size) { return (multiple - size % multiple) % multiple; };
    const auto x =
        at::replication_pad2d(image, {0, missing(width), 0, missing(height)}).to(options_).contiguous(at::MemoryFormat::ChannelsLast);
    const auto features = first_(x, check);
    check();
    // The transposed convolution takes a pixel a side of its own, as the plain one does.
    const auto rough =
        scale == 2 ? at::pixel_shuffle(valid(bottom_, features), 2).contiguous(at::MemoryFormat::ChannelsLast) : valid(bottom_, features);
    return inner(rough, 20).add(second_(rough, check)).narrow(2, 0, height * scale).narrow(3, 0, width * scale).to(at::kCPU, at::kFloat);
  }

  std::int64_t bytes() const override { return first_.bytes() + bottom_.bytes() + second_.bytes(); }

 private:
  Cunet(const Parts& parts, const UpscalerInfo& info, const at::TensorOptions& options)
      : Upscaler(info),
        options_(options),
        first_(parts, kFirst),
        second_(parts, kSecond),
        bottom_(info.scale == 2 ? parts.doubling_conv(kFirst + "conv_bottom") : parts.conv(kFirst + "conv_bottom", Activation::none())) {}

  at::TensorOptions options_;  ///< of everything inside
  Shallow first_;
  Deep second_;
  Conv2d bottom_;  ///< of the first network: the picture as it thinks it is
};

/// Follows the channels through the layers.
class Checker {
 public:
  explicit Checker(const StateDict& tensors) : tensors_(tensors), shapes_(tensors) {}
  /// A convolution of side x side; gives its outputs.
  std::int64_t conv(const std::string& name, std::int64_t in, std::int64_t side = 3) {
    const auto out = sizes_of(tensors_, name + ".weight", 4)[0];
    shapes_.expect(name + ".weight", {out, in, side, side});
    shapes_.expect(name + ".bias", {out});
    return out;
  }
  void conv_to(const std::string& name, std::int64_t in, std::int64_t out) { shapes_.expect_conv(name, out, in); }
  void transposed(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t side) {
    shapes_.expect(name + ".weight", {in, out, side, side});
    shapes_.expect(name + ".bias", {out});
  }
  std::int64_t stage(const std::string& name, std::int64_t in, bool attention) {
    const auto out = conv(name + ".conv.2", conv(name + ".conv.0", in));
    if (!attention) return out;
    const auto squeezed = conv(name + ".seblock.conv1", out, 1);
    shapes_.expect(name + ".seblock.conv2.weight", {out, squeezed, 1, 1});
    shapes_.expect(name + ".seblock.conv2.bias", {out});
    return out;
  }
  void finish() const { shapes_.finish(); }

 private:
  const StateDict& tensors_;
  ShapeCheck shapes_;
};

}  // namespace

bool is_cunet(const StateDict& tensors) {
  return tensors.contains(kFirst + "conv1.conv.0.weight") && tensors.contains(kSecond + "conv4_up.weight");
}

UpscalerInfo check_cunet(const StateDict& tensors) {
  const auto channels = sizes_of(tensors, kFirst + "conv1.conv.0.weight", 4)[1];
  const bool doubles = sizes_of(tensors, kFirst + "conv_bottom.weight", 4)[2] == kDoublingSide;
  UpscalerInfo info{.architecture = "waifu2x CUNet",
                    .scale = doubles ? 2 : 1,
                    .in_channels = static_cast<int>(channels),
                    .out_channels = static_cast<int>(channels),
                    .blocks = 6};
  info.border = info.inset = doubles ? 18 : 28;
  Checker check(tensors);
  auto top = check.stage(kFirst + "conv1", channels, false);
  check.transposed(kFirst + "conv2_up", check.stage(kFirst + "conv2", check.conv(kFirst + "conv1_down", top, 2), true), top, 2);
  const auto last = check.conv(kFirst + "conv3", top);
  if (doubles) check.transposed(kFirst + "conv_bottom", last, channels, kDoublingSide);
  else check.conv_to(kFirst + "conv_bottom", last, channels);
  top = check.stage(kSecond + "conv1", channels, false);
  const auto middle = check.stage(kSecond + "conv2", check.conv(kSecond + "conv1_down", top, 2), true);
  check.transposed(kSecond + "conv3_up", check.stage(kSecond + "conv3", check.conv(kSecond + "conv2_down", middle, 2), true), middle, 2);
  check.transposed(kSecond + "conv4_up", check.stage(kSecond + "conv4", middle, true), top, 2);
  check.conv_to(kSecond + "conv_bottom", check.conv(kSecond + "conv5", top), channels);
  check.finish();
  info.features = static_cast<int>(top);
  return info;
}

std::unique_ptr<Upscaler> make_cunet(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return std::make_unique<Cunet>(tensors, info, compute);
}

}  // namespace darkroom
