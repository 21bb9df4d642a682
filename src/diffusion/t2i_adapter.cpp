#include "diffusion/t2i_adapter.hpp"

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/relu.h>

#include <array>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kLevels = 4, kResiduals = 2, kLatentScale = 8;
constexpr std::int64_t kScaleXL = 16;
/// The input blocks that the features of levels 0, 1, ... are added to. SDXL's last goes to the middle.
constexpr std::array<std::size_t, 4> kBlocks{2, 5, 8, 11};
constexpr std::array<std::size_t, 3> kBlocksXL{3, 5, 8};

std::string number(std::int64_t i) { return std::to_string(i); }

/// diffusers counts residual blocks within a level, TencentARC through the network; the light form's lie below `body` of their level.
StateDict from_diffusers(const StateDict& tensors, std::string_view prefix) {
  const bool light = !tensors.contains(std::string(prefix) + "conv_in.weight");
  StateDict renamed;
  each_below(tensors, prefix, [&](std::string name, const at::Tensor& tensor) {
    for (std::int64_t level = 0; level < kLevels; ++level) {
      const auto body = "body." + number(level) + ".";
      if (!name.starts_with(body)) continue;
      const auto rest = name.substr(body.size());
      const auto replaced = [&](std::string_view from, const std::string& to) { return to + rest.substr(from.size()); };
      if (light) {
        if (rest.starts_with("resnets.")) name = replaced("resnets.", body + "body.");
      } else if (rest.starts_with("resnets.0.")) {
        name = replaced("resnets.0.", "body." + number(kResiduals * level) + ".");
      } else if (rest.starts_with("resnets.1.")) {
        name = replaced("resnets.1.", "body." + number(kResiduals * level + 1) + ".");
      } else {
        name = replaced("", "body." + number(kResiduals * level) + ".");
      }
      break;
    }
    renamed.emplace(std::move(name), tensor);
  });
  return renamed;
}

/// Means of 2x2 pixels. An odd side is as if zeros lay around the picture, as the reference has it.
at::Tensor halved(const at::Tensor& x) { return at::avg_pool2d(x, {2, 2}, {2, 2}, {x.size(2) % 2, x.size(3) % 2}); }

at::Tensor added(const Convolution& block1, const Convolution& block2, const at::Tensor& x) { return block2.plus(at::relu(block1(x)), x); }

}  // namespace

std::optional<Weights> adapter_weights(const std::shared_ptr<const StateDict>& tensors) {
  constexpr std::string_view kDiffusers = "adapter.";
  if (tensors->contains("adapter.body.0.resnets.0.block1.weight")) return Weights(std::make_shared<const StateDict>(from_diffusers(*tensors, kDiffusers)));
  if (tensors->contains("body.0.resnets.0.block1.weight")) return Weights(std::make_shared<const StateDict>(from_diffusers(*tensors, "")));
  if (tensors->contains("body.0.block1.weight") || tensors->contains("body.0.body.0.block1.weight")) return Weights(tensors);
  return std::nullopt;
}

AdapterShape adapter_shape(const Weights& weights) {
  AdapterShape shape;
  shape.light = weights.has("body.0.body.0.block1.weight");
  const std::string entry = shape.light ? "body.0.in_conv.weight" : "conv_in.weight", last = shape.light ? "body.0.out_conv.weight" : "conv_in.weight";
  for (const auto& name : {entry, last})
    if (!weights.has(name) || weights.raw(name).dim() != 4) throw InvalidInput("the T2I-Adapter is incomplete: it has no tensor " + name + " of four dimensions");
  const auto unshuffled = weights.raw(entry).size(1);
  shape.channels = weights.raw(last).size(0);
  for (const std::int64_t scale : {kLatentScale, kScaleXL})
    for (const std::int64_t pictures : {1, 3})
      if (unshuffled == pictures * scale * scale) {
        shape.scale = scale, shape.pictures = pictures;
        return shape;
      }
  throw InvalidInput("a T2I-Adapter of an unknown kind: its first layer takes " + number(unshuffled) + " channels (known: 64 and 192, SDXL 256 and 768)");
}

T2IAdapter::Level T2IAdapter::read_level(const Weights& weights, std::int64_t index) const {
  Level level;
  level.halves = shape_.scale == kScaleXL ? index == 2 : index > 0;
  for (std::int64_t j = 0; j < kResiduals; ++j) {
    const auto block = weights.below("body." + number(kResiduals * index + j) + ".");
    if (j == 0 && level.halves && block.has("down_opt.op.weight")) level.halving.emplace(block.below("down_opt.op."), compute_, 2);
    if (block.has("in_conv.weight")) {
      if (j > 0) throw InvalidInput(block.prefix() + "in_conv.weight: a T2I-Adapter of an unknown kind");
      level.in.emplace(block.below("in_conv."), compute_);
    }
    level.residuals.push_back({Convolution(block.below("block1."), compute_), Convolution(block.below("block2."), compute_)});
  }
  return level;
}

T2IAdapter::Level T2IAdapter::read_light_level(const Weights& weights, std::int64_t index) const {
  Level level;
  const auto body = weights.below("body." + number(index) + ".");
  level.halves = index > 0;
  level.in.emplace(body.below("in_conv."), compute_);
  for (std::int64_t j = 0; body.has("body." + number(j) + ".block1.weight"); ++j) {
    const auto block = body.below("body." + number(j) + ".");
    level.residuals.push_back({Convolution(block.below("block1."), compute_), Convolution(block.below("block2."), compute_)});
  }
  level.out.emplace(body.below("out_conv."), compute_);
  return level;
}

T2IAdapter::T2IAdapter(const Weights& weights, const AdapterShape& shape, const Compute& compute) : shape_(shape), compute_(compute) {
  if (!shape.light) entry_.emplace(weights.below("conv_in."), compute);
  for (std::int64_t i = 0; i < kLevels; ++i) levels_.push_back(shape.light ? read_light_level(weights, i) : read_level(weights, i));
  auto width = shape.light ? shape.pictures * shape.scale * shape.scale : entry_->out();
  const auto follow = [&](const Convolution& layer) {
    if (layer.in() != width) throw InvalidInput("T2I-Adapter: a layer of " + number(layer.in()) + " channels behind one of " + number(width));
    width = layer.out();
  };
  for (const auto& level : levels_) {
    if (level.halving) follow(*level.halving);
    if (level.in) follow(*level.in);
    for (const auto& residual : level.residuals) {
      const auto before = width;
      follow(residual.block1), follow(residual.block2);
      if (width != before) throw InvalidInput("T2I-Adapter: a residual block from " + number(before) + " to " + number(width) + " channels");
    }
    if (level.out) follow(*level.out);
  }
}

std::vector<at::Tensor> T2IAdapter::features(const at::Tensor& hint, std::int64_t height, std::int64_t width) const {
  const auto whole = [&](std::int64_t side) { return (side * kLatentScale + shape_.scale - 1) / shape_.scale * shape_.scale; };  // pixels that divide by the scale
  auto picture = resized_hint(hint, whole(height), whole(width)).to(at::kFloat);
  if (shape_.pictures == 1 && picture.size(1) > 1) picture = picture.mean(1, true);
  if (picture.size(1) != shape_.pictures) throw InvalidInput("T2I-Adapter: a hint of " + number(picture.size(1)) + " channels, " + number(shape_.pictures) + " were expected");
  auto h = at::pixel_unshuffle(picture, shape_.scale).to(compute_.device, compute_.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  if (entry_) h = (*entry_)(h);
  std::vector<at::Tensor> made;
  for (const auto& level : levels_) {
    if (level.halves) h = level.halving ? (*level.halving)(h) : halved(h);
    if (level.in) h = (*level.in)(h);
    for (const auto& residual : level.residuals) h = added(residual.block1, residual.block2, h);
    if (level.out) h = (*level.out)(h);
    made.push_back(h);
  }
  return made;
}

ControlResiduals T2IAdapter::operator()(const UNetCall& call, const ControlHint& hint) const {
  const auto height = call.x.size(2), width = call.x.size(3);
  const auto made = hints_.get(hint.picture, {height, width}, [&] { return features(hint.picture, height, width); });
  ControlResiduals residuals;
  const auto place = [&](std::size_t block, const at::Tensor& feature) {
    if (residuals.input.size() <= block) residuals.input.resize(block + 1);
    residuals.input[block] = over_batch(feature, call.x.size(0), hint.parts);
  };
  if (shape_.scale == kScaleXL) {
    for (std::size_t i = 0; i < kBlocksXL.size(); ++i) place(kBlocksXL[i], made[i]);
    residuals.middle = over_batch(made.back(), call.x.size(0), hint.parts);
  } else {
    for (std::size_t i = 0; i < kBlocks.size(); ++i) place(kBlocks[i], made[i]);
  }
  return residuals;
}

std::size_t T2IAdapter::bytes() const {
  std::size_t bytes = entry_ ? entry_->bytes() : 0;
  for (const auto& level : levels_) {
    for (const auto* layer : {&level.halving, &level.in, &level.out}) bytes += *layer ? (*layer)->bytes() : 0;
    for (const auto& residual : level.residuals) bytes += residual.block1.bytes() + residual.block2.bytes();
  }
  return bytes;
}

}  // namespace darkroom
