#include "diffusion/unet_blocks.hpp"

#include "base/error.hpp"

namespace darkroom {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

std::size_t bytes_of(const UNetBlock::Layer& layer) {
  return std::visit([](const auto& held) { return held.layer->bytes(); }, layer);
}

}  // namespace

at::Tensor UNetBlock::run(at::Tensor h, const UNetFlow& flow, UNetPlace place, std::optional<std::pair<std::int64_t, std::int64_t>> enlarged) const {
  if (flow.call.check) flow.call.check();
  place.call = &flow.call;
  const auto apply = Overloaded{
      [&](const Entry& entry) { return (*entry.layer)(h); },
      [&](const Residual& block) { return (*block.layer)(h, flow.embedding.of_block(flow.shifts, block.index)); },
      [&](const Transformer& transformer) {
        place.number = transformer.first, place.heads = transformer.heads;
        return (*transformer.layer)(h, flow.context, flow.keys->data() + transformer.first, flow.call.patches, place);
      },
      [&](const Down& down) { return (*down.layer)(h); },
      [&](const Up& up) {
        const auto [height, width] = enlarged.value_or(std::pair{2 * h.size(2), 2 * h.size(3)});
        return up.layer->after_enlarging(h, height, width);
      }};
  for (const auto& layer : layers_) h = std::visit(apply, layer);
  return h;
}

std::size_t UNetBlock::bytes() const {
  std::size_t bytes = 0;
  for (const auto& layer : layers_) bytes += bytes_of(layer);
  return bytes;
}

std::int64_t UNetBlock::out() const {
  return std::visit(Overloaded{[](const Transformer& transformer) { return transformer.layer->width(); }, [](const auto& other) { return other.layer->out(); }}, layers_.back());
}

std::vector<UNetBlock> UNetBlockReader::read_list(const Weights& weights, const std::string& name, const std::vector<UNetBlock>* base) {
  std::vector<UNetBlock> blocks;
  for (std::int64_t i = 0; weights.has_below(name + "." + std::to_string(i) + "."); ++i)
    blocks.push_back(read(weights.below(name + "." + std::to_string(i) + "."), base ? &base->at(blocks.size()) : nullptr));
  if (blocks.empty()) throw InvalidInput("the model has no " + weights.prefix() + name);
  return blocks;
}

UNetBlock UNetBlockReader::read(const Weights& block, const UNetBlock* base) {
  UNetBlock result;
  for (std::int64_t i = 0; block.has_below(std::to_string(i) + "."); ++i) {
    const auto layer = block.below(std::to_string(i) + ".");
    if (base && !changed_(layer.prefix())) {
      result.layers_.push_back(base->layers_.at(result.layers_.size()));
      shared_bytes_ += bytes_of(result.layers_.back());
      if (std::holds_alternative<UNetBlock::Residual>(result.layers_.back())) residual_blocks_.push_back(layer);
      if (const auto* transformer = std::get_if<UNetBlock::Transformer>(&result.layers_.back())) transformers_ += static_cast<std::int64_t>(transformer->layer->blocks().size());
      continue;
    }
    if (layer.has("in_layers.0.weight")) {
      result.layers_.emplace_back(UNetBlock::Residual{std::make_shared<const ResidualBlock>(layer, compute_), residual_blocks_.size()});
      residual_blocks_.push_back(layer);
    } else if (layer.has("proj_in.weight")) {
      SpatialTransformer transformer(layer, compute_);
      if (!transformer.blocks().empty()) {
        const auto inner = transformer.blocks()[0].width();
        const auto heads = config_.head_channels > 0 ? inner / config_.head_channels : config_.heads;
        if (heads < 1 || inner % heads != 0) throw InvalidInput(layer.prefix() + "*: " + std::to_string(heads) + " heads do not divide its width " + std::to_string(inner));
        const auto depth = static_cast<std::int64_t>(transformer.blocks().size());
        result.layers_.emplace_back(UNetBlock::Transformer{std::make_shared<const SpatialTransformer>(std::move(transformer)), transformers_, heads});
        transformers_ += depth;
      } else {
        throw InvalidInput("the model has no " + layer.prefix() + "transformer_blocks");
      }
    } else if (layer.has("op.weight")) {
      result.layers_.emplace_back(UNetBlock::Down{std::make_shared<const Convolution>(layer.below("op."), compute_, 2)});
    } else if (layer.has("conv.weight")) {
      result.layers_.emplace_back(UNetBlock::Up{std::make_shared<const Convolution>(layer.below("conv."), compute_)});
    } else if (layer.has("weight")) {
      result.layers_.emplace_back(UNetBlock::Entry{std::make_shared<const Convolution>(layer, compute_)});
    } else {
      throw InvalidInput(layer.prefix() + "*: no layer of a UNet that is known, or one that misses its first tensor");
    }
  }
  if (result.layers_.empty()) throw InvalidInput("the model has nothing below " + block.prefix());
  return result;
}

void collect_transformers(std::span<const UNetBlock> blocks, std::vector<const TransformerBlock*>& into) {
  for (const auto& block : blocks)
    for (const auto& layer : block.layers())
      if (const auto* transformer = std::get_if<UNetBlock::Transformer>(&layer))
        for (const auto& inner : transformer->layer->blocks()) into.push_back(&inner);
}

void check_call(const UNetCall& call, const UNetConfig& config, const std::string& network) {
  const auto refuse = [&network](const std::string& what) { throw InvalidInput(network + ": " + what); };
  if (call.x.dim() != 4 || call.x.size(1) != config.in_channels || call.x.numel() == 0)
    refuse("a latent of shape " + shape_text(call.x) + " for a model of " + std::to_string(config.in_channels) + " input channels");
  const auto batch = call.x.size(0);
  if (call.timesteps.dim() != 1 || call.timesteps.size(0) != batch) refuse("timesteps of shape " + shape_text(call.timesteps) + " for a batch of " + std::to_string(batch));
  if (!call.context.defined() || call.context.dim() != 3 || call.context.size(0) != batch || call.context.size(2) != config.context_dim)
    refuse("a text of shape " + (call.context.defined() ? shape_text(call.context) : "none") + " for a batch of " + std::to_string(batch) + " and a text width of " +
           std::to_string(config.context_dim) + (call.context.defined() && call.context.dim() == 3 && call.context.size(2) != config.context_dim ? " (a text encoder of another model family?)" : ""));
  if (config.adm_channels > 0 && (!call.y.defined() || call.y.dim() != 2 || call.y.size(0) != batch || call.y.size(1) != config.adm_channels))
    refuse("a vector of shape " + (call.y.defined() ? shape_text(call.y) : "none") + " for a batch of " + std::to_string(batch) + " and a width of " + std::to_string(config.adm_channels));
}

}  // namespace darkroom
