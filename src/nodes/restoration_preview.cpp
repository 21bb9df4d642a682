#include "nodes/restoration_preview.hpp"

#include <algorithm>

#include "imaging/preview.hpp"
#include "nodes/image_bytes.hpp"

namespace darkroom {
namespace {

/// Limit: longer side of a picture of a restoration's work so far, pixels. Beyond: it is made smaller. Fixed: as pictures of samplers are by default. Edge:
/// RestorationPreview.LargeOnesAreMadeSmaller.
constexpr int kSide = 512;

}  // namespace

bool wants_restoration_previews(const Context& context) { return context.extra_data().contains("restoration"); }

std::string tile_preview(Context& context, const at::Tensor& tile, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
  context.send("restoration.preview", json::object{{"x", x}, {"y", y}, {"width", tile.size(1)}, {"height", tile.size(0)}, {"of", json::array{width, height}}});
  const auto pixels = image_to_bytes(tile.narrow(2, 0, 3).cpu().contiguous());
  const int across = static_cast<int>(tile.size(1)), down = static_cast<int>(tile.size(0));
  return imaging::encode_preview(pixels.data(), across, down, "JPEG", std::min(kSide, std::max(across, down)));
}

std::string whole_preview(Context& context, const at::Tensor& image) {
  return tile_preview(context, image.select(0, 0), 0, 0, image.size(2), image.size(1));
}

}  // namespace darkroom
