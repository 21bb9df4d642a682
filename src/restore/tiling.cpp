#include "restore/tiling.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "tensor/out_of_memory.hpp"

namespace darkroom {
namespace {

class TiledRun {
 public:
  TiledRun(const Upscaler& network, const at::Tensor& image, const Tiling& tiling, const TileProgress& progress, const LayerCheck& check, const TileSeen& seen)
      : network_(network), image_(image), tiling_(tiling), progress_(progress), check_(check), seen_(seen), rows_(tile_spans(image.size(1), tiling)),
        columns_(tile_spans(image.size(2), tiling)), steps_(image.size(0) * static_cast<std::int64_t>(rows_.size() * columns_.size())) {}

  at::Tensor run() {
    const auto scale = network_.info().scale;
    const auto height = image_.size(1) * scale, width = image_.size(2) * scale, channels = std::int64_t{network_.info().out_channels};
    const bool whole = rows_.size() == 1 && columns_.size() == 1;
    auto result = whole ? at::empty({image_.size(0), height, width, channels}, at::kFloat) : at::zeros({image_.size(0), height, width, channels}, at::kFloat);
    // The ramps' product, summed over all tiles, is the product of the axes' sums.
    const auto row_sum = axis_sum(rows_, height), column_sum = axis_sum(columns_, width);
    for (std::int64_t b = 0; b < image_.size(0); ++b) {
      auto frame = result.select(0, b);
      for (const auto& row : rows_)
        for (const auto& column : columns_) {
          check_();
          auto y = tile(b, row, column);
          if (seen_) seen_(y, column.start * scale, row.start * scale);
          auto target = frame.narrow(0, row.start * scale, row.length * scale).narrow(1, column.start * scale, column.length * scale);
          if (whole) target.copy_(y);
          else target.add_(y.mul_(ramp_of(row).view({-1, 1, 1})).mul_(ramp_of(column).view({1, -1, 1})));
          progress_(++done_, steps_);
        }
      if (!whole) frame.div_(row_sum.view({-1, 1, 1})).div_(column_sum.view({1, -1, 1})).clamp_(0, 1);
    }
    return result;
  }

 private:
  /// [h*scale, w*scale, C] of one tile, clamped.
  at::Tensor tile(std::int64_t b, const TileSpan& row, const TileSpan& column) {
    const auto& info = network_.info();
    const auto y = network_.forward(surrounded(image_.narrow(0, b, 1).permute({0, 3, 1, 2}), row, column), check_);
    const auto rest = std::int64_t{info.border - info.inset} * info.scale;
    return y.narrow(2, rest, row.length * info.scale)
        .narrow(3, rest, column.length * info.scale)
        .clamp_(0, 1)
        .squeeze(0)
        .permute({1, 2, 0});
  }

  /// A tile of [1,C,H,W] with the network's border around it.
  at::Tensor surrounded(const at::Tensor& image, const TileSpan& row, const TileSpan& column) const {
    const std::int64_t border = network_.info().border;
    const auto above = std::min(border, row.start), left = std::min(border, column.start);
    const auto below = std::min(border, image.size(2) - row.start - row.length),
               right = std::min(border, image.size(3) - column.start - column.length);
    const auto there =
        image.narrow(2, row.start - above, above + row.length + below).narrow(3, column.start - left, left + column.length + right);
    if (above == border && below == border && left == border && right == border) return there;
    return at::replication_pad2d(there, {border - left, border - right, border - above, border - below});
  }

  at::Tensor ramp_of(const TileSpan& span) const {
    const auto scale = network_.info().scale;
    return tile_ramp(span.length * scale, tiling_.overlap * scale);
  }

  at::Tensor axis_sum(const std::vector<TileSpan>& spans, std::int64_t length) const {
    auto sum = at::zeros({length}, at::kFloat);
    for (const auto& span : spans) sum.narrow(0, span.start * network_.info().scale, span.length * network_.info().scale).add_(ramp_of(span));
    return sum;
  }

  const Upscaler& network_;
  const at::Tensor& image_;
  Tiling tiling_;
  const TileProgress& progress_;
  const LayerCheck& check_;
  const TileSeen& seen_;
  std::vector<TileSpan> rows_, columns_;
  std::int64_t done_ = 0, steps_;
};

}  // namespace

at::Tensor upscale_tiled(const Upscaler& network, const at::Tensor& image, Tiling tiling, const TileProgress& progress,
                         const LayerCheck& check, const TileSeen& seen, const std::shared_ptr<ModelBudget>& budget) {
  if (image.dim() != 4 || image.size(3) != network.info().in_channels)
    throw InvalidInput("upscale: the network takes " + std::to_string(network.info().in_channels) + " channels, the image has " + std::to_string(image.dim() == 4 ? image.size(3) : 0));
  for (;; tiling.tile /= 2) {
    try {
      return with_room(budget, [&] { return TiledRun(network, image, tiling, progress, check, seen).run(); });
    } catch (const c10::Error& error) {
      if (!is_out_of_memory(error)) throw;
    } catch (const std::bad_alloc&) {
    }
    if (tiling.tile / 2 < kSmallestTile) throw OutOfMemory("upscale: not enough memory, even with tiles of " + std::to_string(tiling.tile));
  }
}

}  // namespace darkroom
