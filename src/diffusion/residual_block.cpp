#include "diffusion/residual_block.hpp"

#include "base/error.hpp"

namespace darkroom {
namespace {

constexpr double kEps = 1e-5;

}  // namespace

ResidualBlock::ResidualBlock(const Weights& weights, const Compute& compute)
    : norm1_(weights.below("in_layers.0."), compute, kEps), norm2_(weights.below("out_layers.0."), compute, kEps),
      conv1_(weights.below("in_layers.2."), compute), conv2_(weights.below("out_layers.3."), compute) {
  if (weights.has("skip_connection.weight")) skip_.emplace(weights.below("skip_connection."), compute);
  const auto carried = skip_ ? skip_->out() : in();
  if (norm1_.channels() != in() || norm2_.channels() != conv1_.out() || conv2_.in() != conv1_.out() || carried != out() || (skip_ && skip_->in() != in()))
    throw InvalidInput(weights.prefix() + "*: the widths of its layers do not fit each other (" + std::to_string(in()) + " to " + std::to_string(out()) + " channels)");
}

at::Tensor ResidualBlock::operator()(const at::Tensor& x, const at::Tensor& shift) const {
  const auto h = conv1_(norm1_.silu(x));
  return conv2_.plus(norm2_.silu(h, shift), skip_ ? (*skip_)(x) : x);
}

std::size_t ResidualBlock::bytes() const { return norm1_.bytes() + norm2_.bytes() + conv1_.bytes() + conv2_.bytes() + (skip_ ? skip_->bytes() : 0); }

}  // namespace darkroom
