#pragma once
// Where a colouriser looks, as a small picture for those who watch a restoration (docs/restore-api.md).

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "restore/ddcolor/color_decoder.hpp"
#include "worker/node.hpp"

namespace darkroom {

/// A PNG of `map` [h,w] (not below 0) with the ratio of a photo of height x width, from black for the least hundredth of the map to paper
/// for the most; the colours' lightness (OKLab) rises evenly between them. A map without contrast is not stretched.
std::string attention_picture(const at::Tensor& map, std::int64_t height, std::int64_t width);

/// Shows what the layers of a colouriser look at while it works: at most one picture in half a second, and the last layer's in any case.
class AttentionShow {
 public:
  /// Of a photo of height x width.
  AttentionShow(Context& context, std::int64_t height, std::int64_t width) : context_(context), height_(height), width_(width) {}
  void operator()(const ColorLook& look);

 private:
  using Clock = std::chrono::steady_clock;
  Context& context_;
  std::int64_t height_, width_;
  std::optional<Clock::time_point> shown_;
};

}  // namespace darkroom
