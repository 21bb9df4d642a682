#pragma once
// What can be multiplied into weights once, when a network is packed: spectral norms, batch norms, factors of channels.

#include <ATen/core/Tensor.h>

#include "tensor/weights.hpp"

namespace darkroom {

/// y = x * scale + shift, channel by channel; float64 [C].
struct ChannelAffine {
  at::Tensor scale, shift;
};

/// A batch norm in evaluation mode (eps 1e-5), of "weight", "bias", "running_mean", "running_var".
ChannelAffine batch_norm(const Weights& weights);
/// First `inner`, then `outer`.
ChannelAffine after(const ChannelAffine& inner, const ChannelAffine& outer);
/// A norm's "weight" and "bias".
ChannelAffine norm_affine(const Weights& weights);

/// A layer's weight [out,in,...] and bias [out], float64.
struct FoldedLayer {
  at::Tensor weight, bias;
};

/// "weight_orig" by the spectral norm in evaluation mode (Miyato et al. 2018): sigma = u . (W v), W flattened to [out, rest]; the bias is
/// "bias", or zeros. float64.
FoldedLayer spectral_layer(const Weights& weights);
/// "weight" and "bias", or zeros.
FoldedLayer plain_layer(const Weights& weights);
/// The layer that does `affine` to its input first. Only where no zeros are padded around that input.
FoldedLayer behind(FoldedLayer layer, const ChannelAffine& affine);
/// The layer that does `affine` to its output.
FoldedLayer before(FoldedLayer layer, const ChannelAffine& affine);

}  // namespace darkroom
