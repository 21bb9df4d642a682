#pragma once
// Pictures of the work so far, for those who watch a restoration (docs/restore-api.md). Jobs of the photo service alone ask for them, so that
// other graphs' messages stay as they are.

#include <ATen/core/Tensor.h>

#include <string>

#include "worker/node.hpp"

namespace darkroom {

/// Does the job come from the photo service? Its extra_data says so.
bool wants_restoration_previews(const Context& context);

/// A small JPEG of a tile [h,w,3] in 0..1, to go along with the next progress. Says where it lies in the result of width x height: pixels.
std::string tile_preview(Context& context, const at::Tensor& tile, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height);

/// The same of the first picture of an IMAGE [B,H,W,3].
std::string whole_preview(Context& context, const at::Tensor& image);

}  // namespace darkroom
