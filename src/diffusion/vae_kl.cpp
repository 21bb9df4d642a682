#include "diffusion/vae_kl.hpp"

#include "tensor/concat.hpp"

namespace darkroom::kl {
namespace {

at::Tensor to_device(const at::Tensor& x, const Compute& compute) {
  return x.to(compute.device, compute.dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

/// q, k and v as one product.
Linear joined(const Weights& weights, const Compute& compute) {
  std::vector<at::Tensor> matrices, biases;
  for (const char* part : {"q.", "k.", "v."}) {
    const auto one = weights.below(part);
    matrices.push_back(one.get("weight").flatten(1).to(at::kFloat));
    biases.push_back(one.get("bias").to(at::kFloat));
  }
  Linear linear(concat(matrices), concat(biases), compute);
  for (const char* part : {"q.", "k.", "v."}) weights.below(part).release("weight");
  return linear;
}

std::optional<Linear> linear_if_any(const Weights& weights, const char* name, const Compute& compute) {
  if (!weights.has_below(name)) return std::nullopt;
  return Linear(weights.below(name), compute);
}

}  // namespace

ResidualBlock::ResidualBlock(const Weights& weights, const Compute& compute)
    : norm1_(weights.below("norm1."), compute, kVaeEps, kVaeGroups), norm2_(weights.below("norm2."), compute, kVaeEps, kVaeGroups),
      conv1_(weights.below("conv1."), compute), conv2_(weights.below("conv2."), compute) {
  if (weights.has_below("nin_shortcut.")) shortcut_.emplace(weights.below("nin_shortcut."), compute);
}

at::Tensor ResidualBlock::operator()(at::Tensor x) const {
  auto h = norm2_.silu(conv1_(norm1_.silu(x)));
  if (shortcut_) x = (*shortcut_)(x);
  return conv2_.plus(h, std::move(x));
}

std::size_t ResidualBlock::bytes() const {
  return norm1_.bytes() + norm2_.bytes() + conv1_.bytes() + conv2_.bytes() + (shortcut_ ? shortcut_->bytes() : 0);
}

AttentionBlock::AttentionBlock(const Weights& weights, const Compute& compute)
    : norm_(weights.below("norm."), compute, kVaeEps, kVaeGroups), qkv_(joined(weights, compute)), out_(weights.below("proj_out."), compute) {}

at::Tensor AttentionBlock::operator()(at::Tensor x) const {
  const auto parts = qkv_(tokens_of(norm_(x))).chunk(3, 2);
  const auto seen = attention(parts[0], parts[1], parts[2], 1);
  return image_of(out_.plus(seen, tokens_of(x)), x.size(2), x.size(3));
}

Blocks Blocks::of_stage(const Weights& weights, const KlStage& stage, const Compute& compute) {
  Blocks blocks;
  for (int i = 0; i < stage.blocks; ++i) {
    const auto at = std::to_string(i) + ".";
    Step step{ResidualBlock(weights.below(stage.name + "block." + at), compute), {}};
    if (stage.attention) step.attention.emplace(weights.below(stage.name + "attn." + at), compute);
    blocks.steps_.push_back(std::move(step));
  }
  return blocks;
}

Blocks Blocks::of_middle(const Weights& weights, const Compute& compute) {
  Blocks blocks;
  blocks.steps_.push_back({ResidualBlock(weights.below("block_1."), compute), AttentionBlock(weights.below("attn_1."), compute)});
  blocks.steps_.push_back({ResidualBlock(weights.below("block_2."), compute), {}});
  return blocks;
}

at::Tensor Blocks::operator()(at::Tensor x, const Check& check) const {
  for (const auto& step : steps_) {
    check();
    x = step.residual(std::move(x));
    if (step.attention) {
      check();
      x = (*step.attention)(std::move(x));
    }
  }
  return x;
}

std::size_t Blocks::bytes() const {
  std::size_t sum = 0;
  for (const auto& step : steps_) sum += step.residual.bytes() + (step.attention ? step.attention->bytes() : 0);
  return sum;
}

Decoder::Decoder(const Weights& weights, const KlShape& shape, const Compute& compute)
    : compute_(compute), post_quant_(linear_if_any(weights, "post_quant_conv.", compute)), first_(weights.below("decoder.conv_in."), compute),
      middle_(Blocks::of_middle(weights.below("decoder.mid."), compute)), norm_(weights.below("decoder.norm_out."), compute, kVaeEps, kVaeGroups),
      last_(weights.below("decoder.conv_out."), compute) {
  for (const auto& level : shape.up) {
    Stage stage{Blocks::of_stage(weights, level, compute), {}};
    if (level.resamples) stage.up.emplace(weights.below(level.name + "upsample.conv."), compute);
    stages_.push_back(std::move(stage));
  }
}

at::Tensor Decoder::operator()(const at::Tensor& latent, const Check& check) const {
  auto x = to_device(latent, compute_);
  if (post_quant_) x = image_of((*post_quant_)(tokens_of(x)), x.size(2), x.size(3));
  x = middle_(first_(x), check);
  for (const auto& stage : stages_) {
    x = stage.blocks(std::move(x), check);
    check();
    if (stage.up) x = stage.up->after_enlarging(x, x.size(2) * 2, x.size(3) * 2);
  }
  x = norm_.silu(x);
  return last_(x).to(at::kCPU, at::kFloat);
}

std::size_t Decoder::bytes() const {
  std::size_t sum = (post_quant_ ? post_quant_->bytes() : 0) + first_.bytes() + middle_.bytes() + norm_.bytes() + last_.bytes();
  for (const auto& stage : stages_) sum += stage.blocks.bytes() + (stage.up ? stage.up->bytes() : 0);
  return sum;
}

Encoder::Encoder(const Weights& weights, const KlShape& shape, const Compute& compute)
    : compute_(compute), first_(weights.below("encoder.conv_in."), compute), middle_(Blocks::of_middle(weights.below("encoder.mid."), compute)),
      norm_(weights.below("encoder.norm_out."), compute, kVaeEps, kVaeGroups), last_(weights.below("encoder.conv_out."), compute),
      quant_(linear_if_any(weights, "quant_conv.", compute)) {
  for (const auto& level : shape.down) {
    Stage stage{Blocks::of_stage(weights, level, compute), {}};
    if (level.resamples) stage.down.emplace(weights.below(level.name + "downsample.conv."), compute, 2, Padding::kRightBottom);
    stages_.push_back(std::move(stage));
  }
}

at::Tensor Encoder::operator()(const at::Tensor& image, const Check& check) const {
  auto x = first_(to_device(image, compute_));
  for (const auto& stage : stages_) {
    x = stage.blocks(std::move(x), check);
    check();
    if (stage.down) x = (*stage.down)(x);
  }
  x = last_(norm_.silu(middle_(std::move(x), check)));
  if (quant_) x = image_of((*quant_)(tokens_of(x)), x.size(2), x.size(3));
  return x.to(at::kCPU, at::kFloat);
}

std::size_t Encoder::bytes() const {
  std::size_t sum = first_.bytes() + middle_.bytes() + norm_.bytes() + last_.bytes() + (quant_ ? quant_->bytes() : 0);
  for (const auto& stage : stages_) sum += stage.blocks.bytes() + (stage.down ? stage.down->bytes() : 0);
  return sum;
}

}  // namespace darkroom::kl
