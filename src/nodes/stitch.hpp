#pragma once
// Putting two pictures side by side.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace darkroom {

struct StitchOptions {
  std::string_view direction = "right";  ///< where the second goes: right, down, left, up
  bool match_size = true;                ///< scale the second to the first's common side (lanczos); else pad the smaller one
  std::int64_t spacing = 0;              ///< width of the bar between them; made even
  std::string_view spacing_color = "white";
};

/// Joins [B,H,W,C] pictures. The shorter batch repeats its last picture, the one with fewer channels becomes opaque,
/// padding is centred: white beside a white bar, else zero (transparent in a picture that has alpha).
at::Tensor stitch(at::Tensor first, at::Tensor second, const StitchOptions& options);

}  // namespace darkroom
