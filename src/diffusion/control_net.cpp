#include "diffusion/control_net.hpp"

#include <ATen/ops/silu.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kHintScale = 8;  // pixels of the hint a pixel of the latent

/// The hint's layers: every second convolution from the third on halves its size.
std::vector<Convolution> read_hint_layers(const Weights& weights, const Compute& compute) {
  std::vector<Convolution> layers;
  for (std::int64_t i = 0; weights.has("input_hint_block." + std::to_string(2 * i) + ".weight"); ++i) {
    const bool halves = i == 2 || i == 4 || i == 6;
    layers.emplace_back(weights.below("input_hint_block." + std::to_string(2 * i) + "."), compute, halves ? 2 : 1);
    if (i > 0 && layers[layers.size() - 2].out() != layers.back().in()) throw InvalidInput(weights.prefix() + "input_hint_block: layers of different widths");
  }
  if (layers.size() != 8) throw InvalidInput("the ControlNet has " + std::to_string(layers.size()) + " of 8 layers below " + weights.prefix() + "input_hint_block");
  return layers;
}

}  // namespace

ControlNet::ControlNet(const Weights& weights, const UNetConfig& config, const Compute& compute)
    : config_(config), compute_(compute), reader_(config_, compute), input_(reader_.read_list(weights, "input_blocks")), middle_(reader_.read(weights.below("middle_block."))),
      embedding_(weights, config_, compute, reader_.residual_blocks()), hint_layers_(read_hint_layers(weights, compute)), middle_out_(weights.below("middle_block_out.0."), compute) {
  for (std::size_t i = 0; i < input_.size(); ++i) {
    zero_convs_.emplace_back(weights.below("zero_convs." + std::to_string(i) + ".0."), compute);
    if (zero_convs_.back().in() != input_[i].out()) throw InvalidInput(weights.prefix() + "zero_convs." + std::to_string(i) + ".0.weight does not fit its block");
  }
  if (hint_layers_.back().out() != config_.model_channels || middle_out_.in() != middle_.out()) throw InvalidInput(weights.prefix() + "*: layers of different widths");
  if (UnionFuser::is_in(weights)) union_.emplace(weights, compute);
  collect_transformers(input_, transformers_);
  collect_transformers({&middle_, 1}, transformers_);
  reader_ = UNetBlockReader(config_, compute_);  // lets go of the weights
}

at::Tensor ControlNet::embedded(const at::Tensor& hint, const HintMemo<at::Tensor>::Use& use) const {
  return hints_.get(hint, use, [&] {
    auto h = resized_hint(hint, use.height * kHintScale, use.width * kHintScale).to(compute_.device, compute_.dtype);
    if (h.size(1) != hint_layers_[0].in()) throw InvalidInput("ControlNet: a hint of " + std::to_string(h.size(1)) + " channels, " + std::to_string(hint_layers_[0].in()) + " were expected");
    for (std::size_t i = 0; i < hint_layers_.size(); ++i) {
      h = hint_layers_[i](h);
      if (i + 1 < hint_layers_.size()) at::silu_(h);
    }
    return use.kind ? union_->fused(h, *use.kind) : h;
  });
}

ControlResiduals ControlNet::operator()(const UNetCall& unet_call, const ControlHint& hint) const {
  UNetCall call = unet_call;
  call.patches = nullptr, call.control = nullptr;
  if (call.x.dim() == 4 && call.x.size(1) > config_.in_channels) call.x = call.x.narrow(1, 0, config_.in_channels);
  check_call(call, config_, "ControlNet");
  if (hint.parts < 1 || call.x.size(0) % hint.parts != 0) throw InternalError("a batch of " + std::to_string(call.x.size(0)) + " has no " + std::to_string(hint.parts) + " equal parts");
  std::optional<std::int64_t> type;
  if (union_ && hint.union_type) {
    if (*hint.union_type >= union_->types()) throw InvalidInput("the union ControlNet knows " + std::to_string(union_->types()) + " kinds of pictures, kind " + std::to_string(*hint.union_type + 1) + " was asked for");
    type = hint.union_type;
  }
  UNetFlow flow{call, embedding_, embedding_.shifts(call.timesteps, call.y, union_ ? union_->embedding(type) : at::Tensor()), call.context.to(compute_.device, compute_.dtype).contiguous(), nullptr};
  flow.keys = text_keys_.keys_of(unet_call.context, flow.context, transformers_);

  ControlResiduals residuals;
  auto h = call.x.to(compute_.device, compute_.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  for (std::size_t i = 0; i < input_.size(); ++i) {
    h = input_[i].run(std::move(h), flow, {UNetPart::kInput, static_cast<std::int64_t>(i)});
    if (i == 0) h.add_(over_batch(embedded(hint.picture, {h.size(2), h.size(3), type}), h.size(0), hint.parts));
    residuals.skips.push_back(zero_convs_[i](h));
  }
  residuals.middle = middle_out_(middle_.run(std::move(h), flow, {UNetPart::kMiddle}));
  return residuals;
}

std::size_t ControlNet::bytes() const {
  std::size_t bytes = embedding_.bytes() + middle_.bytes() + middle_out_.bytes() + (union_ ? union_->bytes() : 0);
  for (const auto& block : input_) bytes += block.bytes();
  for (const auto* layers : {&hint_layers_, &zero_convs_})
    for (const auto& layer : *layers) bytes += layer.bytes();
  return bytes;
}

}  // namespace darkroom
