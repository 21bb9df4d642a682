#include "nodes/bislerp.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/where.h>

#include "base/error.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

// Past these the angle is too small, or too near to half a turn, for its sine to divide by.
constexpr double kSameDirection = 1 - 1e-5;
constexpr double kOppositeDirection = 1e-5 - 1;

at::Tensor unit(const at::Tensor& vectors, const at::Tensor& length) { return at::where(length == 0, length, vectors / length); }

/// Mixes vectors along the last axis; `ratio` broadcasts over all but that axis.
at::Tensor slerp(const at::Tensor& a, const at::Tensor& b, const at::Tensor& ratio) {
  const at::Tensor length_a = a.norm(2, -1, true), length_b = b.norm(2, -1, true);
  const at::Tensor unit_a = unit(a, length_a), unit_b = unit(b, length_b);
  const at::Tensor cosine = (unit_a * unit_b).sum(-1, true);
  const at::Tensor angle = cosine.acos(), sine = angle.sin();
  const at::Tensor rest = 1 - ratio;
  at::Tensor mixed = ((rest * angle).sin() / sine) * unit_a + ((ratio * angle).sin() / sine) * unit_b;
  mixed = mixed * (length_a * rest + length_b * ratio);
  mixed = at::where(cosine > kSameDirection, a, mixed);
  return at::where(cosine < kOppositeDirection, a * rest + b * ratio, mixed);
}

/// Where new places lie among `marks` of the old ones: a bilinear resize of the marks themselves, so that both round alike.
at::Tensor places(const at::Tensor& marks, std::int64_t size) {
  const std::int64_t line[] = {1, size};
  return at::upsample_bilinear2d(marks.view({1, 1, 1, -1}), line, /*align_corners=*/false).view({size});
}

/// Resizes the last axis.
at::Tensor resize_axis(const at::Tensor& samples, std::int64_t size) {
  const std::int64_t old = samples.size(-1);
  const at::Tensor marks = at::arange(old, samples.options());
  const at::Tensor place = places(marks, size);
  const at::Tensor first = place.to(at::kLong), second = places((marks + 1).clamp_max(old - 1), size).to(at::kLong);
  const at::Tensor ratio = (place - place.floor()).view({1, 1, size, 1});
  const at::Tensor a = samples.index_select(-1, first).movedim(1, -1), b = samples.index_select(-1, second).movedim(1, -1);
  return slerp(a, b, ratio).movedim(-1, 1);
}

}  // namespace

at::Tensor bislerp(const at::Tensor& samples, std::int64_t width, std::int64_t height) {
  if (samples.dim() != 4 || samples.numel() == 0) throw InvalidInput("bislerp: expected [B,C,H,W], got " + describe(samples));
  const at::Tensor wide = resize_axis(samples.to(at::kFloat), width);
  return resize_axis(wide.transpose(2, 3), height).transpose(2, 3).contiguous().to(samples.scalar_type());
}

}  // namespace darkroom
