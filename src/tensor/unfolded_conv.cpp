#include "tensor/unfolded_conv.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cstring>

namespace darkroom {
namespace {

/// Floats of unfolded input at once: 16 MB, a part of the last-level cache. More pixels a product pack the weights less often.
constexpr std::int64_t kFloats = 4 << 20;

/// The pixels that output pixels [first, last) (numbered over batch, rows, columns) look at: [pixel][row][column][in], zeros outside.
void unfold(const at::Tensor& x, const UnfoldedShape& shape, std::int64_t out_height, std::int64_t out_width, std::int64_t first, std::int64_t last, float* to) {
  const auto channels = x.size(1), height = x.size(2), width = x.size(3), kernel = shape.kernel;
  const auto* from = x.const_data_ptr<float>();
  at::parallel_for(first, last, 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto pixel = begin; pixel < end; ++pixel) {
      const auto image = pixel / (out_height * out_width), y = pixel / out_width % out_height * shape.stride - shape.before, left = pixel % out_width * shape.stride - shape.before;
      float* row = to + (pixel - first) * kernel * kernel * channels;
      for (std::int64_t i = 0; i < kernel; ++i)
        for (std::int64_t j = 0; j < kernel; ++j, row += channels) {
          const auto source_y = y + i, source_x = left + j;
          if (source_y < 0 || source_y >= height || source_x < 0 || source_x >= width) std::memset(row, 0, static_cast<std::size_t>(channels) * sizeof(float));
          else std::memcpy(row, from + ((image * height + source_y) * width + source_x) * channels, static_cast<std::size_t>(channels) * sizeof(float));
        }
    }
  });
}

}  // namespace

at::Tensor unfold_weight(const at::Tensor& weight) { return weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1}).contiguous(); }

at::Tensor unfolded_conv(const at::Tensor& image, const at::Tensor& matrix, const at::Tensor& bias, const UnfoldedShape& shape, const at::Tensor& residual) {
  const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
  const auto side = [&shape](std::int64_t size) { return (size + shape.before + shape.after - shape.kernel) / shape.stride + 1; };
  const auto batch = x.size(0), height = side(x.size(2)), width = side(x.size(3)), out = matrix.size(0), depth = matrix.size(1);
  auto y = at::empty({batch, height, width, out}, x.options().memory_format(at::MemoryFormat::Contiguous));
  const auto pixels = batch * height * width, step = std::max<std::int64_t>(std::min(kFloats / depth, pixels), 1);
  const auto columns = at::empty({step, depth}, x.options().memory_format(at::MemoryFormat::Contiguous));
  const auto rows = y.view({pixels, out}), turned = matrix.t();
  if (residual.defined()) {
    y.copy_(residual.permute({0, 2, 3, 1}));
    if (bias.defined()) y.add_(bias);
  }
  for (std::int64_t first = 0; first < pixels; first += step) {
    const auto count = std::min(step, pixels - first);
    unfold(x, shape, height, width, first, first + count, columns.mutable_data_ptr<float>());
    auto target = rows.narrow(0, first, count);
    const auto unfolded = columns.narrow(0, 0, count);
    if (residual.defined()) target.addmm_(unfolded, turned);
    else if (bias.defined()) at::addmm_out(target, bias, unfolded, turned);
    else at::mm_out(target, unfolded, turned);
  }
  return y.permute({0, 3, 1, 2});
}

}  // namespace darkroom
