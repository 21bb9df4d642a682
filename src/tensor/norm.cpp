#include "tensor/norm.hpp"

#include <ATen/ops/add.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/silu.h>

#include "base/error.hpp"

namespace darkroom {
namespace {

at::Tensor vector_of(const Weights& weights, const char* name, const Compute& compute) {
  auto vector = weights.get(name).to(compute.device, compute.dtype).contiguous();
  if (vector.dim() != 1) throw InvalidInput(weights.prefix() + name + " has shape " + shape_text(vector) + ", a norm needs one number a channel");
  // A few kilobytes: a view would keep the file mapped.
  return vector.is_alias_of(weights.raw(name)) ? vector.clone() : vector;
}

}  // namespace

GroupNorm::GroupNorm(const Weights& weights, const Compute& compute, double eps, std::int64_t groups)
    : weight_(vector_of(weights, "weight", compute)), bias_(vector_of(weights, "bias", compute)), weight_floats_(weight_.to(at::kFloat)), bias_floats_(bias_.to(at::kFloat)), eps_(eps), groups_(groups) {
  if (weight_.sizes() != bias_.sizes() || weight_.size(0) == 0 || weight_.size(0) % groups != 0)
    throw InvalidInput(weights.prefix() + "weight has shape " + shape_text(weight_) + ", which " + std::to_string(groups) + " groups do not divide");
}

at::Tensor GroupNorm::run(const at::Tensor& x, const at::Tensor& shift, bool silu) const {
  if (x.dim() != 4 || x.size(1) != channels()) throw InvalidInput("a norm of " + std::to_string(channels()) + " channels was given " + shape_text(x));
  if (auto y = fused_group_norm(x, weight_floats_, bias_floats_, eps_, groups_, shift, silu)) return *y;
  const auto shifted = shift.defined() ? x.add(shift.unsqueeze(2).unsqueeze(3)) : x;
  auto y = at::group_norm(shifted, groups_, weight_, bias_, eps_);
  return silu ? at::silu_(y) : y;
}

LayerNorm::LayerNorm(const Weights& weights, const Compute& compute, double eps)
    : weight_(vector_of(weights, "weight", compute)), bias_(vector_of(weights, "bias", compute)), eps_(eps) {
  if (weight_.sizes() != bias_.sizes()) throw InvalidInput(weights.prefix() + "weight and bias differ in shape");
}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const { return at::layer_norm(x, weight_.sizes(), weight_, bias_, eps_); }

}  // namespace darkroom
