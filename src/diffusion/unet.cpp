#include "diffusion/unet.hpp"

#include <ATen/ops/silu.h>

#include <atomic>

#include "base/error.hpp"
#include "base/log.hpp"
#include "diffusion/unet_blocks.hpp"
#include "diffusion/unet_patches.hpp"
#include "tensor/concat.hpp"

namespace darkroom {

struct UNet::Parts {
  Parts(const Weights& weights, const UNetConfig& unet_config, const Compute& unet_compute, const Parts* base = nullptr, UNetBlockReader::Changed changed = {})
      : config(unet_config), compute(unet_compute), reader(config, compute, std::move(changed)), input(reader.read_list(weights, "input_blocks", base ? &base->input : nullptr)),
        middle(weights.has_below("middle_block.") ? reader.read(weights.below("middle_block."), base ? &base->middle : nullptr) : UNetBlock()),
        output(reader.read_list(weights, "output_blocks", base ? &base->output : nullptr)), embedding(weights, config, compute, reader.residual_blocks()), norm_out(weights.below("out.0."), compute, 1e-5),
        conv_out(weights.below("out.2."), compute) {
    if (output.size() != input.size())
      throw InvalidInput("the model has " + std::to_string(input.size()) + " input blocks and " + std::to_string(output.size()) + " output blocks");
    collect_transformers(input, transformers);
    collect_transformers({&middle, 1}, transformers);
    collect_transformers(output, transformers);
    bytes = embedding.bytes() + norm_out.bytes() + conv_out.bytes() + middle.bytes();
    for (const auto* blocks : {&input, &output})
      for (const auto& block : *blocks) bytes += block.bytes();
    bytes -= reader.shared_bytes();
    reader = UNetBlockReader(config, compute);  // lets go of the weights
  }

  UNetConfig config;
  Compute compute;
  UNetBlockReader reader;
  std::vector<UNetBlock> input;
  UNetBlock middle;
  std::vector<UNetBlock> output;
  TimeEmbedding embedding;
  GroupNorm norm_out;
  Convolution conv_out;
  std::vector<const TransformerBlock*> transformers;
  TextKeyCache text_keys;
  std::size_t bytes = 0;
  mutable std::atomic<bool> warned = false;  // of a control that does not fit

  /// h with what a control gives for its place: left out, and said so once, where it has another shape.
  at::Tensor with_control(at::Tensor h, const at::Tensor& part) const {
    if (!part.defined()) return h;
    const bool fits = part.dim() == 4 && part.size(1) == h.size(1) && part.size(2) == h.size(2) && part.size(3) == h.size(3) && (part.size(0) == 1 || part.size(0) == h.size(0));
    if (fits) return h.add(part.to(h.options()));
    if (!warned.exchange(true)) log::warn("a control gives {} where the model has {}: what does not fit is left out", shape_text(part), shape_text(h));
    return h;
  }
};

UNet::UNet(const Weights& weights, const UNetConfig& config, const Compute& compute) : parts_(std::make_unique<const Parts>(weights, config, compute)) {}
UNet::UNet(const UNet& base, const Weights& weights, const std::set<std::string>& changed)
    : parts_(std::make_unique<const Parts>(weights, base.parts_->config, base.parts_->compute, base.parts_.get(), [&changed](const std::string& prefix) {
        const auto found = changed.lower_bound(prefix);
        return found != changed.end() && found->starts_with(prefix);
      })) {}
UNet::~UNet() = default;
UNet::UNet(UNet&&) noexcept = default;

at::Tensor UNet::operator()(const UNetCall& call) const {
  const auto& [config, compute] = std::tie(parts_->config, parts_->compute);
  check_call(call, config, "UNet");
  if (call.control && call.control->skips.size() > parts_->input.size())
    throw InvalidInput("a ControlNet of " + std::to_string(call.control->skips.size()) + " blocks for a model of " + std::to_string(parts_->input.size()) + ": it belongs to another model family");
  const auto* patches = call.patches;
  UNetFlow flow{call, parts_->embedding, parts_->embedding.shifts(call.timesteps, call.y), call.context.to(compute.device, compute.dtype).contiguous(), nullptr};
  flow.keys = parts_->text_keys.keys_of(call.context, flow.context, parts_->transformers);
  const auto patched = [&](const std::vector<UNetPatches::OnImage> UNetPatches::*list, at::Tensor& h, UNetPlace place) {
    if (!patches) return;
    place.height = h.size(2), place.width = h.size(3), place.call = &call;
    for (const auto& patch : patches->*list) h = patch(h, place);
  };

  std::vector<at::Tensor> skips;
  auto h = call.x.to(compute.device, compute.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  for (std::size_t i = 0; i < parts_->input.size(); ++i) {
    const UNetPlace place{UNetPart::kInput, static_cast<std::int64_t>(i)};
    h = parts_->input[i].run(std::move(h), flow, place);
    if (call.control && i < call.control->input.size()) h = parts_->with_control(std::move(h), call.control->input[i]);
    patched(&UNetPatches::after_block, h, place);
    skips.push_back(h);
    patched(&UNetPatches::after_skip, h, place);
  }

  h = parts_->middle.run(std::move(h), flow, {UNetPart::kMiddle});
  patched(&UNetPatches::after_block, h, {UNetPart::kMiddle});
  if (call.control) h = parts_->with_control(std::move(h), call.control->middle);

  for (std::size_t i = 0; i < parts_->output.size(); ++i) {
    UNetPlace place{UNetPart::kOutput, static_cast<std::int64_t>(i)};
    auto skip = std::move(skips.back());
    skips.pop_back();
    if (call.control && skips.size() < call.control->skips.size()) skip = parts_->with_control(std::move(skip), call.control->skips[skips.size()]);
    if (patches) {
      place.height = h.size(2), place.width = h.size(3), place.call = &call;
      for (const auto& patch : patches->before_output) patch(h, skip, place);
    }
    h = concat({h, std::exchange(skip, {})}, 1);
    std::optional<std::pair<std::int64_t, std::int64_t>> next;
    if (!skips.empty()) next.emplace(skips.back().size(2), skips.back().size(3));
    h = parts_->output[i].run(std::move(h), flow, place, next);
    patched(&UNetPatches::after_block, h, place);
  }
  return parts_->conv_out(parts_->norm_out.silu(h)).to(call.x.device(), at::kFloat).contiguous();
}

const UNetConfig& UNet::config() const { return parts_->config; }
std::size_t UNet::bytes() const { return parts_->bytes; }

}  // namespace darkroom
