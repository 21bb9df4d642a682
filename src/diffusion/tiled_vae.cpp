#include "diffusion/tiled_vae.hpp"

#include <array>
#include <vector>

#include "base/error.hpp"
#include "tensor/conv.hpp"
#include "tensor/tiles.hpp"

namespace darkroom {
namespace {

/// One pass: the tiles of both axes.
struct Pass {
  std::vector<TileSpan> rows, columns;
  bool whole() const { return rows.size() == 1 && columns.size() == 1; }
  std::int64_t count() const { return static_cast<std::int64_t>(rows.size() * columns.size()); }
};

std::array<Pass, 3> passes(std::int64_t height, std::int64_t width, const VaeTiling& t) {
  if (t.overlap < 0 || t.overlap >= t.tile / 2)
    throw InvalidInput("VAE: an overlap of " + std::to_string(t.overlap) + " is too large for tiles of " + std::to_string(t.tile) +
                       ": it must be less than half of the tile");
  const auto pass = [&](std::int64_t tile_height, std::int64_t tile_width) {
    return Pass{tile_spans(height, tile_height, t.overlap), tile_spans(width, tile_width, t.overlap)};
  };
  return {pass(t.tile / 2, t.tile * 2), pass(t.tile * 2, t.tile / 2), pass(t.tile, t.tile)};
}

class TiledPass {
 public:
  TiledPass(const at::Tensor& input, const VaeTiling& tiling, const Pass& pass) : input_(input), tiling_(tiling), pass_(pass) {}

  /// The blended picture of this pass.
  at::Tensor run(const TileNetwork& network, const std::function<void()>& done) const {
    const auto height = out(input_.size(2)), width = out(input_.size(3));
    auto sum = empty_nhwc(1, tiling_.channels, height, width, at::kFloat).zero_();
    for (const auto& row : pass_.rows)
      for (const auto& column : pass_.columns) {
        auto y = network(input_.narrow(2, row.start, row.length).narrow(3, column.start, column.length));
        y.mul_(ramp(row).view({-1, 1})).mul_(ramp(column));
        sum.narrow(2, out(row.start), out(row.length)).narrow(3, out(column.start), out(column.length)).add_(y);
        done();
      }
    // The weights of a tile are a product of both axes', and so is their sum.
    return sum.div_(weights(pass_.rows, height).view({-1, 1})).div_(weights(pass_.columns, width));
  }

 private:
  std::int64_t out(std::int64_t size) const { return size * tiling_.factor / tiling_.divisor; }
  at::Tensor ramp(const TileSpan& span) const { return tile_ramp(out(span.length), out(tiling_.overlap)); }
  at::Tensor weights(const std::vector<TileSpan>& spans, std::int64_t length) const {
    auto sum = at::zeros({length}, at::kFloat);
    for (const auto& span : spans) sum.narrow(0, out(span.start), out(span.length)).add_(ramp(span));
    return sum;
  }

  const at::Tensor& input_;
  const VaeTiling& tiling_;
  const Pass& pass_;
};

}  // namespace

std::int64_t count_vae_tiles(std::int64_t height, std::int64_t width, const VaeTiling& tiling) {
  std::int64_t count = 0;
  for (const auto& pass : passes(height, width, tiling)) count += pass.count();
  return count;
}

at::Tensor in_vae_tiles(const at::Tensor& input, const VaeTiling& tiling, const TileNetwork& network, const std::function<void()>& done) {
  at::Tensor sum;
  const auto all = passes(input.size(2), input.size(3), tiling);
  for (const auto& pass : all) {
    at::Tensor one;
    if (pass.whole()) {
      one = network(input);
      done();
    } else {
      one = TiledPass(input, tiling, pass).run(network, done);
    }
    sum = sum.defined() ? sum.add_(one) : one;
  }
  return sum.div_(static_cast<double>(all.size()));
}

}  // namespace darkroom
