#include "restore/denoise.hpp"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "tensor/weights.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kInner = 512;  ///< pixels of a tile, a side, without its neighbours; even, as are all places where tiles begin

std::int64_t tiles(std::int64_t size) { return (size + kInner - 1) / kInner; }

bool is_grey(const at::Tensor& picture) {
  return picture.size(0) == 1 || (at::equal(picture[0], picture[1]) && at::equal(picture[1], picture[2]));
}

/// [1,C,H,W] in tiles.
class Frame {
 public:
  Frame(const FfdNet& network, double sigma, const LayerCheck& check) : network_(network), sigma_(sigma), check_(check) {}

  template <class Done>
  at::Tensor clean(const at::Tensor& image, const Done& done) const {
    auto result = at::empty_like(image, at::MemoryFormat::Contiguous);
    for (std::int64_t y = 0; y < image.size(2); y += kInner)
      for (std::int64_t x = 0; x < image.size(3); x += kInner) {
        const auto rows = std::min(kInner, image.size(2) - y), columns = std::min(kInner, image.size(3) - x);
        const auto top = std::min(y, network_.margin()), left = std::min(x, network_.margin());
        const auto part = image.slice(2, y - top, y + rows + network_.margin()).slice(3, x - left, x + columns + network_.margin());
        result.narrow(2, y, rows).narrow(3, x, columns).copy_(network_.forward(part, sigma_, check_).narrow(2, top, rows).narrow(3, left, columns));
        done();
      }
    return result;
  }

 private:
  const FfdNet& network_;
  double sigma_;
  const LayerCheck& check_;
};

}  // namespace

at::Tensor denoise(const FfdNet& network, const at::Tensor& image, double sigma, double strength, const TileProgress& progress, const LayerCheck& check) {
  if (image.dim() != 4 || (image.size(3) != 1 && image.size(3) != 3)) throw InvalidInput("denoise: expected pictures [B,H,W,1 or 3], got " + shape_text(image));
  const auto own = network.info().channels;
  auto result = at::empty_like(image, at::MemoryFormat::Contiguous);
  // A network for grey pictures takes the channels of a coloured one in turn.
  const auto passes = own == 1 ? image.size(3) : 1;
  const auto steps = image.size(0) * passes * tiles(image.size(1)) * tiles(image.size(2));
  std::int64_t done = 0;
  for (std::int64_t b = 0; b < image.size(0); ++b) {
    const auto picture = image.select(0, b).permute({2, 0, 1});
    const bool grey = is_grey(picture);
    const Frame frame(network, sigma / 255 * (own == 3 && grey ? std::sqrt(3.0) : 1.0), check);
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      const auto input = own == 1 ? picture.narrow(0, pass, 1) : picture.expand({3, -1, -1});
      auto clean = frame.clean(input.unsqueeze(0), [&] { progress(++done, steps); }).squeeze(0);
      if (own == 3 && grey) clean = clean.mean(0, true);
      const auto before = own == 1 ? input : picture;
      const auto target = result.select(0, b).permute({2, 0, 1});
      (own == 1 ? target.narrow(0, pass, 1) : target).copy_(strength == 1 ? clean : before + (clean - before) * strength);
    }
  }
  return result.clamp_(0, 1);
}

}  // namespace darkroom
