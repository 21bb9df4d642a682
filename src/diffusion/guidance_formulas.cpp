#include "diffusion/guidance_formulas.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/atan2.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

namespace darkroom {
namespace {

/// Sum over everything but the batch: [B,1,1,1].
at::Tensor dot(const at::Tensor& a, const at::Tensor& b) { return (a * b).sum(at::IntArrayRef{1, 2, 3}, /*keepdim=*/true); }

at::Tensor length(const at::Tensor& t, at::IntArrayRef dims) { return t.norm(2, dims, /*keepdim=*/true); }

}  // namespace

at::Tensor projected(const at::Tensor& difference, const at::Tensor& cond, double eta, double threshold) {
  auto cut = difference.to(at::kDouble);
  if (threshold > 0) cut = cut * (threshold / length(cut, {1, 2, 3})).clamp_max(1.0);
  const auto direction = cond.to(at::kDouble) / length(cond.to(at::kDouble), {1, 2, 3}).clamp_min(1e-12);
  const auto along = direction * dot(cut, direction);
  return (cut - along + along * eta).to(at::kFloat);
}

at::Tensor tangentially_damped(const at::Tensor& x, const at::Tensor& cond, const at::Tensor& uncond) {
  const auto positive = (x - cond).to(at::kDouble), negative = (x - uncond).to(at::kDouble);
  // The first right singular vector of the two rows is positive * cos + negative * sin, by the angle of their 2x2 Gram matrix's main axis.
  const auto both = dot(positive, negative);
  const auto angle = at::atan2(both * 2.0, dot(positive, positive) - dot(negative, negative)) * 0.5;
  const auto axis = positive * angle.cos() + negative * angle.sin();
  const auto square = dot(axis, axis);
  const auto along = at::where(square > 0, dot(negative, axis) / square, at::zeros_like(square));
  return x - (axis * along).to(at::kFloat);
}

at::Tensor no_longer_than(const at::Tensor& guided, const at::Tensor& cond, double strength) {
  const auto ratio = length(cond, {1}) / (length(guided, {1}) + 1e-8);
  return guided * ratio.clamp(0.0, 1.0) * strength;
}

at::Tensor mahiro(const at::Tensor& guided, const at::Tensor& cond, const at::Tensor& uncond, double cfg) {
  const auto flattened = [](const at::Tensor& t) { return t.abs().sqrt() * t.sign(); };
  const auto leap = cond * cfg;
  const auto alike = at::cosine_similarity(flattened(uncond * cfg), flattened((leap + guided) / 2.0), /*dim=*/1).mean();
  const auto share = (alike + 1.0) * 2.0;  // 0..4
  return (share * guided + (4.0 - share) * leap) / 4.0;
}

at::Tensor zero_star(const at::Tensor& x, const at::Tensor& guided, const at::Tensor& cond, const at::Tensor& uncond, double cfg) {
  const auto positive = x - cond, negative = x - uncond;
  const auto scale = dot(positive, negative) / (dot(negative, negative) + 1e-8);
  return guided + uncond * ((scale - 1.0) * (1.0 - cfg));
}

at::Tensor rescaled_score(const at::Tensor& x, const at::Tensor& guided, double sigma, double k, double spread, bool flow) {
  const double kept = flow ? 1.0 - sigma : 1.0;  // of the data in x
  if (k == 1.0 || sigma <= 0 || kept <= 0) return guided;
  const double signal = kept * kept / (sigma * sigma) * spread * spread;
  const double ratio = (signal + 1.0) / (signal / k + 1.0);
  return x * ((1.0 - ratio) / kept) + guided * ratio;
}

}  // namespace darkroom
