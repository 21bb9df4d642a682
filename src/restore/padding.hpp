#pragma once
// Borders for networks that want sizes of a certain multiple.

#include <ATen/core/Tensor.h>

namespace darkroom {

/// [B,C,H,W] made larger at the right and bottom to multiples of `multiple`, by mirroring without repeating the edge; where
/// the picture is too small for that, the mirror image is mirrored again. Unchanged when it already fits.
at::Tensor mirror_to_multiple(const at::Tensor& image, std::int64_t multiple);

}  // namespace darkroom
