#include "nodes/blend.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/where.h>

#include <string>

#include "base/error.hpp"

namespace darkroom {
namespace {

at::Tensor inverse(const at::Tensor& t) { return at::rsub(t, 1.0); }

at::Tensor soft_light(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor curve = at::where(a <= 0.25, ((a * 16.0 - 12.0) * a + 4.0) * a, at::sqrt(a));
  return at::where(b <= 0.5, a - inverse(b * 2.0) * a * inverse(a), a + (b * 2.0 - 1.0) * (curve - a));
}

at::Tensor mix(const at::Tensor& a, const at::Tensor& b, std::string_view mode) {
  if (mode == "normal") return b;
  if (mode == "multiply") return a * b;
  if (mode == "screen") return inverse(inverse(a) * inverse(b));
  if (mode == "overlay") return at::where(a <= 0.5, a * 2.0 * b, inverse(inverse(a) * 2.0 * inverse(b)));
  if (mode == "soft_light") return soft_light(a, b);
  if (mode == "difference") return a - b;
  throw InvalidInput("Unsupported blend mode: " + std::string(mode));
}

}  // namespace

at::Tensor blend(const at::Tensor& a, const at::Tensor& b, double factor, std::string_view mode) {
  return (a * (1.0 - factor) + mix(a, b, mode) * factor).clamp(0, 1);
}

}  // namespace darkroom
