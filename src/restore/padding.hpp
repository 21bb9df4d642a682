#pragma once
// Borders for networks that want sizes of a certain multiple.

#include <ATen/core/Tensor.h>

namespace darkroom {

/// [B,C,H,W] made larger at the right and bottom to multiples of `multiple` and to 2 at least: mirrored without repeating the
/// edge, and where the picture is too small for that, its last mirrored pixel is repeated. Unchanged when it already fits.
/// This is what spandrel does for ESRGAN, observed on pictures of 1 to 8 pixels.
at::Tensor mirror_to_multiple(const at::Tensor& image, std::int64_t multiple);

}  // namespace darkroom
