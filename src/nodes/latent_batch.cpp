#include "nodes/latent_batch.hpp"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "nodes/latent_ops.hpp"
#include "nodes/limits.hpp"
#include "nodes/resize.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

using Indices = std::vector<std::int64_t>;

// Latents are an eighth of the picture that they stand for, masks have the picture's size.
constexpr std::int64_t kPixelsPerLatent = 8;

void require_items(const LatentObject& latent, const char* input) {
  if (latent.samples.dim() < 1 || latent.samples.size(0) == 0)
    throw InvalidInput(std::string(input) + ": an empty batch " + describe(latent.samples));
}

Indices counted(std::int64_t from, std::int64_t count) {
  Indices out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), from);
  return out;
}

/// `tensor` `amount` times along the batch.
at::Tensor repeat_batch(const at::Tensor& tensor, std::int64_t amount) {
  check_tensor_size("amount", {tensor.numel(), amount});
  Indices repeats(static_cast<std::size_t>(tensor.dim()), 1);
  repeats[0] = amount;
  return tensor.repeat(repeats);
}

/// Some items of a latent: samples, their mask [n,1,H,W] if any, and indices.
struct Piece {
  at::Tensor samples;
  std::optional<at::Tensor> mask;
  Indices index;

  Piece part(std::int64_t from, std::int64_t count) const {
    Piece out{samples.narrow(0, from, count), std::nullopt, Indices(index.begin() + from, index.begin() + from + count)};
    if (mask) out.mask = mask->narrow(0, from, count);
    return out;
  }
  /// The mask at eight times the samples' size; ones where there is none.
  at::Tensor full_mask() const {
    const std::int64_t height = samples.size(-2) * kPixelsPerLatent, width = samples.size(-1) * kPixelsPerLatent;
    if (!mask) return at::ones({samples.size(0), 1, height, width}, samples.options());
    if (mask->size(-2) == height && mask->size(-1) == width) return *mask;
    return common_upscale(*mask, width, height, "bilinear", "disabled");
  }
};

Piece as_piece(const LatentObject& latent, std::int64_t counted_from) {
  const at::Tensor& samples = latent.samples;
  if (samples.dim() < 4) throw InvalidInput("latents: expected [B,C,H,W], got " + describe(samples));
  Piece piece{samples, std::nullopt, latent.batch_index ? *latent.batch_index : counted(counted_from, samples.size(0))};
  if (static_cast<std::int64_t>(piece.index.size()) != samples.size(0))
    throw InvalidInput("latents: " + std::to_string(piece.index.size()) + " batch indices for " + describe(samples));
  if (latent.noise_mask && samples.size(0) > 0) {
    const at::Tensor& mask = *latent.noise_mask;
    piece.mask = repeat_to_batch(mask.reshape({-1, 1, mask.size(-2), mask.size(-1)}), samples.size(0));
  }
  return piece;
}

LatentObject joined(const std::vector<Piece>& pieces) {
  const bool masked = std::any_of(pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.mask.has_value(); });
  std::vector<at::Tensor> samples, masks;
  Indices index;
  for (const auto& piece : pieces) {
    samples.push_back(piece.samples);
    if (masked) masks.push_back(pieces.size() == 1 ? *piece.mask : piece.full_mask());
    index.insert(index.end(), piece.index.begin(), piece.index.end());
  }
  LatentObject out;
  out.samples = concat(samples, 0);
  if (masked) out.noise_mask = concat(masks, 0);
  out.batch_index = std::move(index);
  return out;
}

}  // namespace

LatentObject latent_from_batch(const LatentObject& latent, std::int64_t index, std::int64_t length) {
  require_items(latent, "samples");
  const std::int64_t batch = latent.samples.size(0);
  index = std::clamp<std::int64_t>(index, 0, batch - 1);
  length = std::clamp<std::int64_t>(length, 1, batch - index);
  LatentObject out = latent;
  out.samples = latent.samples.narrow(0, index, length).clone();
  if (latent.noise_mask && latent.noise_mask->size(0) > 1)
    out.noise_mask = repeat_to_batch(*latent.noise_mask, std::max(batch, latent.noise_mask->size(0))).narrow(0, index, length).clone();
  const Indices all = latent.batch_index ? *latent.batch_index : counted(0, batch);
  if (static_cast<std::int64_t>(all.size()) < index + length)
    throw InvalidInput("samples: " + std::to_string(all.size()) + " batch indices for " + describe(latent.samples));
  out.batch_index = Indices(all.begin() + index, all.begin() + index + length);
  return out;
}

LatentObject repeat_latent(const LatentObject& latent, std::int64_t amount) {
  require_items(latent, "samples");
  if (amount < 1) throw InvalidInput("amount: has to be at least 1");
  LatentObject out = latent;
  out.samples = repeat_batch(latent.samples, amount);
  if (latent.noise_mask && latent.noise_mask->size(0) > 1) out.noise_mask = repeat_batch(*latent.noise_mask, amount);
  if (latent.batch_index && !latent.batch_index->empty()) {
    const auto [least, most] = std::minmax_element(latent.batch_index->begin(), latent.batch_index->end());
    const std::int64_t offset = *most - *least + 1;
    Indices all = *latent.batch_index;
    for (std::int64_t i = 1; i < amount; ++i)
      for (const std::int64_t x : *latent.batch_index) all.push_back(x + i * offset);
    out.batch_index = std::move(all);
  }
  return out;
}

LatentObject join_latents(const std::vector<LatentPtr>& latents, const char* input) {
  if (latents.empty()) throw InvalidInput(std::string(input) + ": at least one latent is needed");
  const at::Tensor& first = latents[0]->samples;
  if (first.dim() < 4) throw InvalidInput(std::string(input) + ": expected [B,C,H,W], got " + describe(first));
  std::vector<at::Tensor> same;
  Indices index;
  std::int64_t elements = 0;
  for (const auto& latent : latents) {
    at::Tensor samples = latent->samples;
    if (samples.dim() != first.dim() || samples.size(1) != first.size(1))
      throw InvalidInput(std::string(input) + ": " + describe(samples) + " doesn't fit " + describe(first));
    if (samples.size(-1) != first.size(-1) || samples.size(-2) != first.size(-2))
      samples = common_upscale(samples, first.size(-1), first.size(-2), "bilinear", "center");
    if (samples.dim() == 5 && samples.size(2) != first.size(2))
      throw InvalidInput(std::string(input) + ": " + describe(samples) + " doesn't fit " + describe(first));
    const Indices own = latent->batch_index ? *latent->batch_index : counted(0, samples.size(0));
    index.insert(index.end(), own.begin(), own.end());
    elements += samples.numel();
    same.push_back(std::move(samples));
  }
  check_tensor_size(input, {elements});
  LatentObject out = *latents[0];
  out.samples = concat(same, 0);
  out.batch_index = std::move(index);
  return out;
}

std::vector<LatentObject> rebatch_latents(const std::vector<LatentPtr>& latents, std::int64_t batch_size) {
  if (batch_size < 1) throw InvalidInput("batch_size: has to be at least 1");
  std::vector<LatentObject> batches;
  std::vector<Piece> open;  // of one shape, fewer than batch_size items
  std::int64_t open_items = 0, seen = 0;
  const auto close = [&] {
    if (!open.empty()) batches.push_back(joined(open));
    open.clear();
    open_items = 0;
  };
  for (const auto& latent : latents) {
    const Piece piece = as_piece(*latent, seen);
    const std::int64_t items = piece.samples.size(0);
    seen += items;
    if (!open.empty() && open[0].samples.sizes().slice(1) != piece.samples.sizes().slice(1)) close();
    for (std::int64_t at = 0; at < items;) {
      const std::int64_t take = std::min(batch_size - open_items, items - at);
      open.push_back(piece.part(at, take));
      open_items += take;
      at += take;
      if (open_items == batch_size) close();
    }
  }
  close();
  return batches;
}

}  // namespace darkroom
