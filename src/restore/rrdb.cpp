#include "restore/rrdb.hpp"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/pixel_unshuffle.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "restore/padding.hpp"
#include "restore/shapes.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kGrowth = 32;  // fixed by the published networks; shapes are held against it
constexpr float kSlope = 0.2F;
constexpr float kResidual = 0.2F;
constexpr std::int64_t kBandRows = 128;  // of the output; 4 rows a band are computed twice

std::string dense_name(int block, int dense, int conv) {
  return "body." + std::to_string(block) + ".rdb" + std::to_string(dense) + ".conv" + std::to_string(conv);
}

int count_blocks(const StateDict& t) {
  int count = 0;
  while (t.contains(dense_name(count, 1, 1) + ".weight")) ++count;
  return count;
}

int count_ups(const StateDict& t) {
  int count = 0;
  while (t.contains("conv_up" + std::to_string(count + 1) + ".weight")) ++count;
  return count;
}

/// Replaces the first `from` in `name`.
bool replace(std::string& name, std::string_view from, std::string_view to) {
  const auto at = name.find(from);
  if (at == std::string::npos) return false;
  name.replace(at, from.size(), to);
  return true;
}

/// bf16 is for the dense blocks, nine tenths of the work: what they add is scaled by 0.2. The sum that they add to, and the layers
/// around them, stay in float32. Against all in bf16 the recorded workflows come 13 dB closer to float32.
Compute around_blocks(Compute compute) {
  if (compute.dtype == at::kBFloat16) compute.dtype = at::kFloat;
  return compute;
}

/// Five convolutions; each sees the block's input and all outputs so far. They lie side by side in one buffer, input first.
/// conv5 carries the factor of its residual, 0.2, and in the last of three that of the block around it too.
struct DenseBlock {
  std::vector<Conv2d> conv;
};

class Rrdb final : public Upscaler {
 public:
  Rrdb(const StateDict& t, const UpscalerInfo& info, const Compute& compute) : Rrdb(t, info, compute, around_blocks(compute)) {}

  at::Tensor forward(const at::Tensor& image, const LayerCheck& check) const override {
    const auto height = image.size(2) * info().scale, width = image.size(3) * info().scale;
    auto x = mirror_to_multiple(image, unshuffle_ > 1 ? 4 : 1);
    if (unshuffle_ > 1) x = at::pixel_unshuffle(x, unshuffle_);
    check();
    const auto f = first_(x.to(options_));
    auto t = trunk(f, check);
    for (std::size_t i = 0; i + 1 < ups_.size(); ++i) {
      check();
      t = ups_[i].after_doubling(t);
    }
    return tail(t, check).slice(2, 0, height).slice(3, 0, width);
  }

  std::int64_t bytes() const override {
    std::int64_t sum = first_.bytes() + body_.bytes() + hr_.bytes() + last_.bytes();
    for (const auto& block : blocks_)
      for (const auto& layer : block.conv) sum += layer.bytes();
    for (const auto& up : ups_) sum += up.bytes();
    return sum;
  }

 private:
  Rrdb(const StateDict& t, const UpscalerInfo& info, const Compute& compute, const Compute& around)
      : Upscaler(info), options_(at::TensorOptions().device(around.device).dtype(around.dtype)), block_options_(options_.dtype(compute.dtype)),
        first_(load(t, "conv_first", Activation::none(), around)), body_(load(t, "conv_body", Activation::none(), around)),
        hr_(load(t, "conv_hr", Activation::leaky(kSlope), around)), last_(load(t, "conv_last", Activation::none(), around)) {
    for (int block = 0; block < info.blocks; ++block)
      for (int dense = 1; dense <= 3; ++dense) {
        auto& layers = blocks_.emplace_back();
        for (int conv = 1; conv <= 4; ++conv) layers.conv.push_back(load(t, dense_name(block, dense, conv), Activation::leaky(kSlope), compute));
        layers.conv.push_back(load(t, dense_name(block, dense, 5), Activation::none(), compute, dense < 3 ? kResidual : kResidual * kResidual));
      }
    for (int i = 1; i <= count_ups(t); ++i) ups_.push_back(load(t, "conv_up" + std::to_string(i), Activation::leaky(kSlope), around));
    unshuffle_ = (1 << ups_.size()) / info.scale;
  }

  static Conv2d load(const StateDict& t, const std::string& name, Activation activation, const Compute& compute, float scale = 1) {
    return Conv2d(t.at(name + ".weight"), t.at(name + ".bias"), std::move(activation), compute, scale);
  }

  /// All residual blocks and conv_body, plus f.
  at::Tensor trunk(const at::Tensor& f, const LayerCheck& check) const {
    const auto x = block_options_.dtype() == options_.dtype() ? blocks(f, check) : blocks_beside_sum(f, check);
    check();
    auto t = empty_nhwc(f.size(0), f.size(1), f.size(2), f.size(3), options_);
    body_.into(x, t, {{f, 1}});
    return t;
  }

  /// The outputs of a dense block's first four convolutions, behind its input in `buffer`.
  void grow(const DenseBlock& block, const at::Tensor& buffer, std::int64_t nf, const LayerCheck& check) const {
    for (std::int64_t c = 0; c < 4; ++c) {
      check();
      block.conv[static_cast<std::size_t>(c)].into(buffer.narrow(1, 0, nf + c * kGrowth), buffer.narrow(1, nf + c * kGrowth, kGrowth));
    }
    check();
  }

  at::Tensor blocks(const at::Tensor& f, const LayerCheck& check) const {
    const auto nf = f.size(1);
    // Two buffers of a dense block's channels: conv5 writes the next block's input, which is the first range of the other one.
    std::array buffer{empty_nhwc(f.size(0), nf + 4 * kGrowth, f.size(2), f.size(3), options_),
                      empty_nhwc(f.size(0), nf + 4 * kGrowth, f.size(2), f.size(3), options_)};
    auto block_input = empty_nhwc(f.size(0), nf, f.size(2), f.size(3), options_);
    buffer[0].narrow(1, 0, nf).copy_(f);
    std::size_t now = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const auto input = buffer[now].narrow(1, 0, nf);
      if (i % 3 == 0) block_input.copy_(input);
      grow(blocks_[i], buffer[now], nf, check);
      const auto output = buffer[1 - now].narrow(1, 0, nf);
      const auto& conv5 = blocks_[i].conv[4];
      if (i % 3 < 2) conv5.into(buffer[now], output, {{input, 1}});
      else conv5.into(buffer[now], output, {{input, kResidual}, {block_input, 1}});
      now = 1 - now;
    }
    return buffer[now].narrow(1, 0, nf);
  }

  /// The same with the blocks in block_options_ and the sum that they add to in options_.
  at::Tensor blocks_beside_sum(const at::Tensor& f, const LayerCheck& check) const {
    const auto nf = f.size(1);
    const auto buffer = empty_nhwc(f.size(0), nf + 4 * kGrowth, f.size(2), f.size(3), block_options_);
    const auto input = buffer.narrow(1, 0, nf);
    auto sum = f.clone(), block_input = at::empty_like(f);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      input.copy_(sum);
      if (i % 3 == 0) block_input.copy_(sum);
      grow(blocks_[i], buffer, nf, check);
      const auto added = blocks_[i].conv[4](buffer);
      if (i % 3 < 2) sum.add_(added);
      else sum.mul_(kResidual).add_(block_input).add_(added);
    }
    return sum;
  }

  /// The last enlargement, conv_hr and conv_last, band by band: at full size a picture of 64 channels takes a hundred times the
  /// memory of the result (1 GiB for a tile of 512 pixels at 4x), and two of them would be alive.
  at::Tensor tail(const at::Tensor& t, const LayerCheck& check) const {
    const auto factor = ups_.empty() ? 1 : 2;
    const auto height = t.size(2) * factor, width = t.size(3) * factor;
    auto result = empty_nhwc(t.size(0), last_.out_channels(), height, width, options_);
    const auto most = std::min(height, kBandRows + 4);
    const auto up_room = ups_.empty() ? at::Tensor() : empty_nhwc(t.size(0), t.size(1), most, width, options_), hr_room = empty_nhwc(t.size(0), t.size(1), most, width, options_);
    const auto rows_of = [&](const at::Tensor& room, std::int64_t first, std::int64_t last) {
      first = std::max<std::int64_t>(first, 0);
      return Band{room.narrow(2, 0, std::min(last, height) - first), first};
    };
    for (std::int64_t first = 0; first < height; first += kBandRows) {
      const auto last = std::min(first + kBandRows, height);
      Band up{t, 0};
      if (!ups_.empty()) {
        check();
        up = rows_of(up_room, first - 2, last + 2);
        ups_.back().band({t, 0}, height, up, true);
      }
      check();
      const auto hr = rows_of(hr_room, first - 1, last + 1);
      hr_.band(up, height, hr);
      last_.band(hr, height, {result.narrow(2, first, last - first), first});
    }
    return result.to(at::kCPU, at::kFloat);
  }

  at::TensorOptions options_;        ///< of everything around the blocks
  at::TensorOptions block_options_;  ///< in the blocks
  Conv2d first_, body_, hr_, last_;
  std::vector<DenseBlock> blocks_;  // three a residual block
  std::vector<Conv2d> ups_;
  int unshuffle_ = 1;
};

/// The name that basicsr gives a tensor of the original ESRGAN code, whose layers are numbered. `blocks` and `ups` are the
/// counts that the numbering depends on.
std::optional<std::string> from_old(std::string name, int blocks, int ups) {
  const auto number = [](int value) { return std::to_string(value); };
  if (replace(name, "model.1.sub." + number(blocks) + ".", "conv_body.")) return name;
  if (name.starts_with("model.1.sub.")) {
    replace(name, "model.1.sub.", "body.");
    replace(name, ".RDB", ".rdb");
    // conv1.0.weight: each convolution was a little sequence with its activation
    replace(name, ".0.weight", ".weight");
    replace(name, ".0.bias", ".bias");
    return name;
  }
  if (replace(name, "model.0.", "conv_first.")) return name;
  for (int i = 1; i <= ups; ++i)
    if (replace(name, "model." + number(3 * i) + ".", "conv_up" + number(i) + ".")) return name;
  if (replace(name, "model." + number(3 * ups + 2) + ".", "conv_hr.")) return name;
  if (replace(name, "model." + number(3 * ups + 4) + ".", "conv_last.")) return name;
  return std::nullopt;
}

}  // namespace

StateDict rename_rrdb(StateDict tensors) {
  StateDict renamed;
  if (tensors.contains("model.0.weight") && tensors.contains("model.1.sub.0.RDB1.conv1.0.weight")) {
    int blocks = 0, highest = 0;
    while (tensors.contains("model.1.sub." + std::to_string(blocks) + ".RDB1.conv1.0.weight")) ++blocks;
    for (int i = 2; i < 64; ++i)
      if (tensors.contains("model." + std::to_string(i) + ".weight")) highest = i;
    for (auto& [name, tensor] : tensors) renamed.emplace(from_old(name, blocks, (highest - 4) / 3).value_or(name), std::move(tensor));
    return renamed;
  }
  if (!tensors.contains("RRDB_trunk.0.RDB1.conv1.weight")) return tensors;
  for (auto& [old_name, tensor] : tensors) {
    std::string name = old_name;
    if (name.starts_with("RRDB_trunk.")) replace(name, "RRDB_trunk.", "body."), replace(name, ".RDB", ".rdb");
    else if (name.starts_with("trunk_conv.")) replace(name, "trunk_conv", "conv_body");
    else if (name.starts_with("upconv")) replace(name, "upconv", "conv_up");
    else if (name.starts_with("HRconv.")) replace(name, "HRconv", "conv_hr");
    renamed.emplace(std::move(name), std::move(tensor));
  }
  return renamed;
}

bool is_rrdb(const StateDict& tensors) { return tensors.contains("conv_first.weight") && tensors.contains(dense_name(0, 1, 1) + ".weight"); }

UpscalerInfo check_rrdb(const StateDict& tensors) {
  for (const auto& [name, tensor] : tensors)
    if (name.find(".conv1x1.") != std::string::npos) throw InvalidInput("an ESRGAN+ network (with conv1x1), which isn't supported");
  const auto first = sizes_of(tensors, "conv_first.weight", 4);
  const auto last = sizes_of(tensors, "conv_last.weight", 4);
  const auto nf = first[0];
  const int ups = count_ups(tensors);
  if (ups > 5) throw InvalidInput("an ESRGAN network with " + std::to_string(ups) + " enlargements");
  UpscalerInfo info;
  info.architecture = "ESRGAN";
  info.features = static_cast<int>(nf);
  info.blocks = count_blocks(tensors);
  info.out_channels = static_cast<int>(last[0]);
  // Networks for 2x and 1x see their input pixel-unshuffled, so that the inner scale stays 4.
  int unshuffle = 1;
  for (const int k : {2, 4})
    if (first[1] == last[0] * k * k) unshuffle = k;
  info.in_channels = static_cast<int>(first[1]) / (unshuffle * unshuffle);
  if ((1 << ups) < unshuffle) throw InvalidInput("an ESRGAN network that makes pictures smaller");
  info.scale = (1 << ups) / unshuffle;

  ShapeCheck shapes(tensors);
  shapes.expect_conv("conv_first", nf, first[1]);
  for (int block = 0; block < info.blocks; ++block)
    for (int dense = 1; dense <= 3; ++dense) {
      for (int conv = 1; conv <= 4; ++conv) shapes.expect_conv(dense_name(block, dense, conv), kGrowth, nf + (conv - 1) * kGrowth);
      shapes.expect_conv(dense_name(block, dense, 5), nf, nf + 4 * kGrowth);
    }
  shapes.expect_conv("conv_body", nf, nf);
  for (int i = 1; i <= ups; ++i) shapes.expect_conv("conv_up" + std::to_string(i), nf, nf);
  shapes.expect_conv("conv_hr", nf, nf);
  shapes.expect_conv("conv_last", last[0], nf);
  shapes.finish();
  return info;
}

std::unique_ptr<Upscaler> make_rrdb(const StateDict& tensors, const UpscalerInfo& info, const Compute& compute) {
  return std::make_unique<Rrdb>(tensors, info, compute);
}

}  // namespace darkroom
