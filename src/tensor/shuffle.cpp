#include "tensor/shuffle.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/replication_pad2d.h>

#include "base/error.hpp"
#include "tensor/pixel_shuffle.hpp"
#include "tensor/weights.hpp"

namespace darkroom {
namespace {

bool own_kernel(const at::Tensor& x, std::int64_t channels) {
  return x.device().is_cpu() && x.is_contiguous() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && shuffle::available(channels);
}

template <class Number>
void blur(const at::Tensor& x, std::int64_t height, std::int64_t width, std::int64_t factor, const at::Tensor& out) {
  const shuffle::Blur<Number> call{static_cast<const Number*>(x.const_data_ptr()), static_cast<Number*>(out.mutable_data_ptr()), out.stride(3), height, width, factor, out.size(1)};
  at::parallel_for(0, height * factor, 4, [&](std::int64_t first, std::int64_t last) { shuffle::run(call, first, last); });
}

template <class Number>
void project(const at::Tensor& x, const at::Tensor& vectors, const at::Tensor& y) {
  const shuffle::Project<Number> call{static_cast<const Number*>(x.const_data_ptr()), vectors.const_data_ptr<float>(), y.mutable_data_ptr<float>(), y.size(1), vectors.size(1)};
  at::parallel_for(0, x.size(0), 16, [&](std::int64_t first, std::int64_t last) { shuffle::run(call, first, last); });
}

}  // namespace

at::Tensor sorted_by_place(const at::Tensor& outputs, std::int64_t factor) {
  const auto places = factor * factor;
  return outputs.reshape({outputs.size(0) / places, places, -1}).transpose(0, 1).reshape(outputs.sizes());
}

void shuffle_blur(const at::Tensor& x, std::int64_t height, std::int64_t width, std::int64_t factor, const at::Tensor& out) {
  const auto channels = out.size(1);
  if (x.numel() != height * width * factor * factor * channels || out.size(2) != height * factor || out.size(3) != width * factor || out.scalar_type() != x.scalar_type())
    throw InvalidInput("shuffle: " + shape_text(x) + " does not fill " + shape_text(out));
  if (own_kernel(x, channels) && out.stride(1) == 1 && out.stride(2) == out.stride(3) * out.size(3)) {
    if (x.scalar_type() == at::kFloat) blur<float>(x, height, width, factor, out);
    else blur<shuffle::Bf16>(x, height, width, factor, out);
    return;
  }
  const auto large = at::relu(x).view({height, width, factor, factor, channels}).permute({4, 0, 2, 1, 3}).reshape({1, channels, height * factor, width * factor});
  out.copy_(at::avg_pool2d(at::replication_pad2d(large, {1, 0, 1, 0}), 2, 1));
}

at::Tensor shuffle_project(const at::Tensor& x, const at::Tensor& vectors) {
  const auto channels = vectors.size(1), places = x.size(1) / channels;
  if (own_kernel(x, channels) && vectors.is_contiguous()) {
    auto y = at::empty({x.size(0), places, 2}, at::kFloat);
    if (x.scalar_type() == at::kFloat) project<float>(x, vectors, y);
    else project<shuffle::Bf16>(x, vectors, y);
    return y;
  }
  return at::matmul(at::relu(x).view({x.size(0), places, channels}).to(at::kFloat), vectors.t());
}

}  // namespace darkroom
