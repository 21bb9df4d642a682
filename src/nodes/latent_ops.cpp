#include "nodes/latent_ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>

#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "nodes/limits.hpp"
#include "nodes/resize.hpp"
#include "tensor/concat.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

void require_same_channels(std::string_view name, const at::Tensor& samples, const at::Tensor& like) {
  if (samples.dim() != like.dim() || (samples.size(1) != like.size(1) && samples.size(1) != 1))
    throw InvalidInput(std::string(name) + ": " + describe(samples) + " doesn't fit " + describe(like));
}

at::Tensor scaled_like(const at::Tensor& samples, const at::Tensor& like, std::string_view method) {
  if (samples.size(-1) == like.size(-1) && samples.size(-2) == like.size(-2)) return samples;
  return common_upscale(samples, like.size(-1), like.size(-2), method, "center");
}

}  // namespace

at::Tensor python_slice(const at::Tensor& tensor, std::int64_t axis, std::int64_t start, std::int64_t stop) {
  const std::int64_t size = tensor.size(axis);
  const auto place = [size](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size); };
  start = place(start);
  return tensor.narrow(axis, start, std::max<std::int64_t>(0, place(stop) - start));
}

at::Tensor reshape_like(const at::Tensor& samples, const at::Tensor& like) {
  if (samples.dim() != like.dim() || samples.dim() < 4)
    throw InvalidInput("samples2: " + describe(samples) + " doesn't fit " + describe(like));
  return repeat_to_batch(scaled_like(samples, like, "bilinear"), like.size(0));
}

at::Tensor composite_latents(const at::Tensor& to, const at::Tensor& from, std::int64_t x, std::int64_t y, std::int64_t feather) {
  require_same_channels("samples_from", from, to);
  if (from.size(0) != 1 && from.size(0) != to.size(0))
    throw InvalidInput("samples_from: a batch of " + std::to_string(from.size(0)) + " can't go on a batch of " + std::to_string(to.size(0)));
  if (x < 0 || y < 0) throw InvalidInput("x, y: a place left of or above the latent");
  const std::int64_t full_width = from.size(-1), full_height = from.size(-2);
  const std::int64_t width = std::min(full_width, to.size(-1) - x), height = std::min(full_height, to.size(-2) - y);
  at::Tensor result = to.clone();
  if (width <= 0 || height <= 0) return result;
  const at::Tensor part = from.narrow(-2, 0, height).narrow(-1, 0, width);
  at::Tensor target = result.narrow(-2, y, height).narrow(-1, x, width);
  if (feather <= 0) {
    target.copy_(part);
    return result;
  }
  at::Tensor weight = at::ones_like(part, c10::MemoryFormat::Contiguous);
  // Rows past a side are Python's negative slices: they wrap, as the reference's do.
  for (std::int64_t t = 0; t < feather; ++t) {
    const double rate = (1.0 / static_cast<double>(feather)) * static_cast<double>(t + 1);
    if (y != 0) python_slice(weight, -2, t, t + 1).mul_(rate);
    if (y + height < to.size(-2)) python_slice(weight, -2, height - 1 - t, height - t).mul_(rate);
    if (x != 0) python_slice(weight, -1, t, t + 1).mul_(rate);
    if (x + width < to.size(-1)) python_slice(weight, -1, width - 1 - t, width - t).mul_(rate);
  }
  target.copy_(part * weight + target * (1 - weight));
  return result;
}

at::Tensor blend_latents(const at::Tensor& a, const at::Tensor& b, double factor) {
  require_same_channels("samples2", b, a);
  const at::Tensor other = scaled_like(b, a, "bicubic");
  if (a.size(0) != other.size(0) && a.size(0) != 1 && other.size(0) != 1)
    throw InvalidInput("samples2: a batch of " + std::to_string(b.size(0)) + " can't be blended with one of " + std::to_string(a.size(0)));
  return a * factor + other * (1 - factor);
}

at::Tensor interpolate_latents(const at::Tensor& a, const at::Tensor& b, double ratio) {
  require_same_channels("samples2", b, a);
  if (a.size(0) != 1 && a.size(0) != a.size(1))
    throw InvalidInput("samples1: a batch of " + std::to_string(a.size(0)) + " can't be interpolated, only one latent or as many as there are channels (" +
                       std::to_string(a.size(1)) + ")");
  const at::Tensor other = reshape_like(b, a);
  const at::Tensor length_a = a.norm(2, 1), length_b = other.norm(2, 1);
  at::Tensor mixed = (a / length_a).nan_to_num() * ratio + (other / length_b).nan_to_num() * (1 - ratio);
  mixed = (mixed / mixed.norm(2, 1)).nan_to_num();
  return mixed * (length_a * ratio + length_b * (1 - ratio));
}

at::Tensor crop_latent(const at::Tensor& samples, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
  // A latent of fewer than 8 elements a side gives a negative corner, which then counts from its end.
  x = std::min(x, samples.size(-1) - 8);
  y = std::min(y, samples.size(-2) - 8);
  const at::Tensor result = python_slice(python_slice(samples, -2, y, y + height), -1, x, x + width);
  if (result.numel() == 0) throw InvalidInput("samples: nothing of " + describe(samples) + " lies in the rectangle");
  return result;
}

at::Tensor rotate_latent(const at::Tensor& samples, int quarters) { return samples.rot90(quarters, {3, 2}); }

std::int64_t latent_axis(const at::Tensor& samples, std::string_view dim) {
  if (dim.starts_with('-')) dim.remove_prefix(1);
  const std::int64_t axis = dim == "x" ? -1 : dim == "y" ? -2 : dim == "t" ? -3 : 0;
  if (axis == 0) throw InvalidInput("dim: unknown axis '" + std::string(dim) + "'");
  if (samples.dim() + axis < 0) throw InvalidInput("samples: " + describe(samples) + " has no axis '" + std::string(dim) + "'");
  return samples.dim() + axis;
}

at::Tensor concat_latents(const at::Tensor& a, const at::Tensor& b, std::string_view dim) {
  const std::int64_t axis = latent_axis(a, dim);
  const at::Tensor other = repeat_to_batch(b, a.size(0));
  for (std::int64_t i = 0; i < a.dim(); ++i)
    if (other.dim() != a.dim() || (i != axis && other.size(i) != a.size(i)))
      throw InvalidInput("samples2: " + describe(b) + " can't be joined to " + describe(a) + " along " + std::string(dim));
  check_tensor_size("samples2", {a.numel() + other.numel()});
  return dim.starts_with('-') ? concat({other, a}, axis) : concat({a, other}, axis);
}

at::Tensor cut_latent(const at::Tensor& samples, std::string_view dim, std::int64_t index, std::int64_t amount) {
  const std::int64_t axis = latent_axis(samples, dim), size = samples.size(axis);
  if (size == 0) throw InvalidInput("samples: an empty latent " + describe(samples));
  index = index < 0 ? std::max(index, -size) + size : std::min(index, size - 1);
  return samples.narrow(axis, index, std::clamp<std::int64_t>(amount, 1, size - index)).clone();
}

at::Tensor cut_latent_to_batch(const at::Tensor& samples, std::string_view dim, std::int64_t slice_size) {
  const std::int64_t axis = latent_axis(samples, dim);
  if (slice_size < 1) throw InvalidInput("slice_size: has to be at least 1");
  const std::int64_t slices = samples.size(axis) / slice_size;
  if (axis < 2 || slices == 0) return samples;
  std::vector<std::int64_t> split_shape = samples.sizes().vec(), shape = split_shape;
  split_shape[static_cast<std::size_t>(axis)] = slices;
  split_shape.insert(split_shape.begin() + axis + 1, slice_size);
  shape[0] *= slices;
  shape[static_cast<std::size_t>(axis)] = slice_size;
  return samples.narrow(axis, 0, slices * slice_size).reshape(split_shape).movedim(axis, 1).reshape(shape);
}

}  // namespace darkroom
