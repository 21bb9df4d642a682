#pragma once
// Ways to guide besides `uncond + (cond - uncond) * cfg`, each with its paper. Latents are float32 [B,C,H,W]; but for
// mahiro, every picture of a batch is by itself.

#include <ATen/core/Tensor.h>

namespace darkroom {

/// Adaptive projected guidance (Sadat et al. 2024, section 3): `difference` (cond - uncond, perhaps with momentum) cut to the length `threshold`
/// (0: not cut), and of it only `eta` times what lies along `cond`.
at::Tensor projected(const at::Tensor& difference, const at::Tensor& cond, double eta, double threshold);

/// Tangential damping (Kwon et al. 2025): the denoised negative with only that part of its noise which lies along the first singular
/// vector of both noises.
at::Tensor tangentially_damped(const at::Tensor& x, const at::Tensor& cond, const at::Tensor& uncond);

/// `guided` where its channels are no longer than those of `cond`, elsewhere shortened to them; all times `strength`.
at::Tensor no_longer_than(const at::Tensor& guided, const at::Tensor& cond, double strength);

/// Mahiro: between `guided` and `cond * cfg`, the nearer to the latter the less their directions have in common with the negative.
at::Tensor mahiro(const at::Tensor& guided, const at::Tensor& cond, const at::Tensor& uncond, double cfg);

/// CFG-Zero* (Fan et al. 2025, equation 7): what becomes of `guided` when the negative is scaled so that its noise comes nearest to the positive's.
at::Tensor zero_star(const at::Tensor& x, const at::Tensor& guided, const at::Tensor& cond, const at::Tensor& uncond, double cfg);

/// Temporal score rescaling (Xu et al. 2025): the noise of `guided` at `sigma` as if the data, of spread `spread`, had been drawn at
/// temperature 1 / `k`. `flow`: x = (1 - sigma) * data + sigma * noise instead of data + sigma * noise.
at::Tensor rescaled_score(const at::Tensor& x, const at::Tensor& guided, double sigma, double k, double spread, bool flow);

}  // namespace darkroom
