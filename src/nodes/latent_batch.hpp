#pragma once
// Batches of whole latents: samples together with their noise masks and batch indices.

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/tensors.hpp"

namespace darkroom {

using LatentPtr = std::shared_ptr<const LatentObject>;

/// Items `index` .. `index + length - 1`, both pulled inside; the mask follows, the batch indices are kept or counted.
LatentObject latent_from_batch(const LatentObject& latent, std::int64_t index, std::int64_t length);

/// The batch `amount` times over. Batch indices of later copies go on above those before (by max - min + 1), so that each
/// copy gets noise of its own.
LatentObject repeat_latent(const LatentObject& latent, std::int64_t amount);

/// All latents in one batch, scaled to the first (bilinear, centre crop). Keeps the first one's noise mask only, as ComfyUI.
/// `input` names the input in errors.
LatentObject join_latents(const std::vector<LatentPtr>& latents, const char* input);

/// Cuts a list of latents into batches of at most `batch_size` of one shape, in order. Batch indices are kept, missing ones
/// count on over the whole list. If one of those that meet in a batch has a noise mask, the others get a mask of ones.
std::vector<LatentObject> rebatch_latents(const std::vector<LatentPtr>& latents, std::int64_t batch_size);

}  // namespace darkroom
