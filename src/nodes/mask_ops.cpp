#include "nodes/mask_ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "nodes/limits.hpp"
#include "nodes/resize.hpp"
#include "tensor/concat.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

/// `into` becomes the maximum (or minimum) of itself and `from`, moved by one along `axis` in both directions.
void spread(at::Tensor& into, const at::Tensor& from, std::int64_t axis, bool grow) {
  const std::int64_t size = from.size(axis);
  if (size < 2) return;
  for (const std::int64_t shift : {0, 1}) {
    at::Tensor part = into.narrow(axis, shift, size - 1);
    const at::Tensor other = from.narrow(axis, 1 - shift, size - 1);
    part.copy_(grow ? at::maximum(part, other) : at::minimum(part, other));
  }
}

}  // namespace

at::Tensor crop_mask(const at::Tensor& mask, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
  const std::int64_t left = std::min(x, mask.size(2)), top = std::min(y, mask.size(1));
  const std::int64_t right = std::min(x + width, mask.size(2)), bottom = std::min(y + height, mask.size(1));
  if (right <= left || bottom <= top)
    throw InvalidInput("mask: nothing of " + describe(mask) + " lies right of x " + std::to_string(x) + " and below y " + std::to_string(y));
  return mask.narrow(1, top, bottom - top).narrow(2, left, right - left).clone();
}

at::Tensor feather_mask(const at::Tensor& mask, std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom) {
  at::Tensor result = mask.clone();
  const auto fade = [&result](std::int64_t axis, std::int64_t width, bool from_end) {
    const std::int64_t size = result.size(axis);
    width = std::min(width, size);
    for (std::int64_t i = 0; i < width; ++i) {
      const std::int64_t index = from_end ? (size - i) % size : i;
      result.select(axis, index).mul_(static_cast<double>(i + 1) / static_cast<double>(width));
    }
  };
  fade(2, left, false);
  fade(2, right, true);
  fade(1, top, false);
  fade(1, bottom, true);
  return result;
}

at::Tensor grow_mask(const at::Tensor& mask, std::int64_t expand, bool tapered, const std::function<void()>& check) {
  at::Tensor result = mask.contiguous();
  for (std::int64_t step = 0; step < std::abs(expand); ++step) {
    check();
    at::Tensor next = result.clone();
    spread(next, result, 1, expand > 0);
    // A square is a line spread along the other axis; without its corners only the pixel itself is spread there.
    spread(next, tapered ? result : next.clone(), 2, expand > 0);
    if (next.equal(result)) break;  // nothing can change any more
    result = std::move(next);
  }
  return result;
}

at::Tensor composite_masks(const at::Tensor& destination, const at::Tensor& source, std::int64_t x, std::int64_t y,
                           std::string_view operation) {
  if (source.size(0) != 1 && source.size(0) != destination.size(0))
    throw InvalidInput("source: a batch of " + std::to_string(source.size(0)) + " masks can't go on a batch of " +
                       std::to_string(destination.size(0)));
  at::Tensor result = destination.clone();
  const std::int64_t width = std::min(source.size(2), result.size(2) - x), height = std::min(source.size(1), result.size(1) - y);
  if (width > 0 && height > 0) {
    at::Tensor target = result.narrow(1, y, height).narrow(2, x, width);
    const at::Tensor over = source.narrow(1, 0, height).narrow(2, 0, width);
    const auto rounded = [](const at::Tensor& t) { return t.round().to(at::kBool); };
    if (operation == "multiply") target.mul_(over);
    else if (operation == "add") target.add_(over);
    else if (operation == "subtract") target.sub_(over);
    else if (operation == "and") target.copy_(rounded(target).logical_and(rounded(over)));
    else if (operation == "or") target.copy_(rounded(target).logical_or(rounded(over)));
    else if (operation == "xor") target.copy_(rounded(target).logical_xor(rounded(over)));
    else throw InvalidInput("operation: unknown operation '" + std::string(operation) + "'");
  }
  return result.clamp_(0, 1);
}

at::Tensor mask_of_color(const at::Tensor& image, std::int64_t color) {
  if (image.size(3) < 3) throw InvalidInput("image: expected red, green and blue, got " + describe(image));
  const at::Tensor levels = (image.narrow(3, 0, 3).clamp(0, 1) * 255.0).round();
  at::Tensor equal = levels.select(3, 0).eq(color >> 16 & 0xff);
  equal = equal.logical_and(levels.select(3, 1).eq(color >> 8 & 0xff));
  return equal.logical_and(levels.select(3, 2).eq(color & 0xff)).to(at::kFloat);
}

at::Tensor batch_masks(const std::vector<at::Tensor>& masks) {
  if (masks.empty()) throw InvalidInput("masks: at least one mask is needed");
  const std::int64_t height = masks[0].size(1), width = masks[0].size(2);
  std::vector<at::Tensor> same;
  std::int64_t batch = 0;
  for (const auto& mask : masks) {
    const bool fits = mask.size(1) == height && mask.size(2) == width;
    same.push_back(fits ? mask : common_upscale(mask.unsqueeze(1), width, height, "bilinear", "center").squeeze(1));
    batch += mask.size(0);
  }
  check_tensor_size("masks", {batch, height, width});
  return concat(same, 0);
}

}  // namespace darkroom
