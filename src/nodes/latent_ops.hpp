#pragma once
// Arithmetic of latents: float32 samples [B,C,H,W], or [B,C,T,H,W] of video families. Lengths are in latent elements.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace darkroom {

/// `tensor[start:stop]` of Python along `axis`: negative places count from the end, what lies outside is cut. May be empty.
at::Tensor python_slice(const at::Tensor& tensor, std::int64_t axis, std::int64_t start, std::int64_t stop);

/// `samples` made to fit `like`: scaled (bilinear, centre crop), then repeated or cut to its batch.
at::Tensor reshape_like(const at::Tensor& samples, const at::Tensor& like);

/// Puts `from` on `to` at (x, y), cut at the edges. `feather` > 0 fades those of its sides that don't lie on an edge of `to`:
/// the t-th row from the side weighs (t + 1) / feather.
at::Tensor composite_latents(const at::Tensor& to, const at::Tensor& from, std::int64_t x, std::int64_t y, std::int64_t feather);

/// a * factor + b * (1 - factor); b is scaled to a (bicubic, centre crop).
at::Tensor blend_latents(const at::Tensor& a, const at::Tensor& b, double factor);

/// Mixes directions and lengths of the channel vectors apart, ratio of `a`. Lengths are divided without keeping their axis,
/// as in ComfyUI: the batch has to be one, or as large as the channel count. Throws InvalidInput otherwise.
at::Tensor interpolate_latents(const at::Tensor& a, const at::Tensor& b, double ratio);

/// The rectangle of `width` x `height` at (x, y), where the corner is at most 8 elements from the far edges.
at::Tensor crop_latent(const at::Tensor& samples, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height);

/// Quarter turns clockwise, 0 to 3.
at::Tensor rotate_latent(const at::Tensor& samples, int quarters);

/// Axis from the end of "x" (-1), "y" (-2) or "t" (-3, which are the channels of a picture); a leading minus is ignored.
/// Throws InvalidInput for another name or a tensor of too few axes.
std::int64_t latent_axis(const at::Tensor& samples, std::string_view dim);

/// Joins along `dim`; "-x" puts `b` first. `b` takes the batch of `a`.
at::Tensor concat_latents(const at::Tensor& a, const at::Tensor& b, std::string_view dim);

/// `amount` elements from `index` on (negative: from the end), both pulled inside.
at::Tensor cut_latent(const at::Tensor& samples, std::string_view dim, std::int64_t index, std::int64_t amount);

/// Cuts each item into slices along `dim`, that become the batch: item 0's slices first. A rest shorter than a slice is dropped;
/// with no whole slice, or along the channels, the latent stays as it is.
at::Tensor cut_latent_to_batch(const at::Tensor& samples, std::string_view dim, std::int64_t slice_size);

}  // namespace darkroom
