// What all autoencoders have in common: batches, sizes, tiles and what to do when memory is short.

#include "diffusion/vae.hpp"

#include <ATen/ops/clamp.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "diffusion/tiled_vae.hpp"
#include "tensor/out_of_memory.hpp"

namespace darkroom {
namespace {

constexpr VaeTiles kFallback{.tile = 512, .overlap = 128};
constexpr std::int64_t kSmallestTile = 128;

void call(const std::function<void()>& function) {
  if (function) function();
}

void check_latent(const at::Tensor& latent, const VaeInfo& info) {
  if (latent.dim() != 4) throw InvalidInput("VAE: a latent of shape " + shape_text(latent) + " is none of pictures");
  if (latent.size(1) != info.latent_channels)
    throw InvalidInput("VAE: the latent has " + std::to_string(latent.size(1)) + " channels, this " + info.architecture + " decodes " + std::to_string(info.latent_channels));
  if (latent.numel() == 0) throw InvalidInput("VAE: the latent of shape " + shape_text(latent) + " is empty");
}

/// The middle of [B,H,W,C] as [B,3,H',W'], both sides multiples of the downscale.
at::Tensor cut(const at::Tensor& image, const VaeInfo& info) {
  if (image.dim() != 4 || image.size(3) < info.image_channels)
    throw InvalidInput("VAE: an image of shape " + shape_text(image) + " can't be encoded: expected [batch, height, width, 3]");
  const auto step = info.downscale, height = image.size(1) / step * step, width = image.size(2) / step * step;
  if (image.size(0) == 0 || height == 0 || width == 0)
    throw InvalidInput("VAE: an image of " + std::to_string(image.size(2)) + "x" + std::to_string(image.size(1)) + " is too small: each side must have at least " + std::to_string(step) + " pixels");
  return image.narrow(1, image.size(1) % step / 2, height).narrow(2, image.size(2) % step / 2, width).narrow(3, 0, info.image_channels).permute({0, 3, 1, 2});
}

/// Counts tiles over a whole call and looks at cancellation.
class Ticker {
 public:
  Ticker(const VaeRun& run, std::int64_t all) : run_(run), all_(all) {}
  void operator()() {
    call(run_.check);
    if (run_.progress) run_.progress(++done_, all_);
  }

 private:
  const VaeRun& run_;
  std::int64_t all_, done_ = 0;
};

/// Calls one(i) for each picture and puts the results together; a single one is not copied.
at::Tensor each(std::int64_t count, const std::function<at::Tensor(std::int64_t)>& one) {
  auto first = one(0);
  if (count == 1) return first;
  auto sizes = first.sizes().vec();
  sizes[0] = count;
  auto all = at::empty(sizes, at::kFloat);
  all.select(0, 0).copy_(first.select(0, 0));
  first.reset();
  for (std::int64_t i = 1; i < count; ++i) all.select(0, i).copy_(one(i).select(0, 0));
  return all;
}

/// A decoder's [1,3,H,W] as an IMAGE.
at::Tensor finished(at::Tensor picture) { return picture.clamp_(0, 1).permute({0, 2, 3, 1}).contiguous(); }

struct Ways {
  std::function<std::size_t(std::int64_t height, std::int64_t width)> need;  ///< bytes
  std::function<at::Tensor()> whole;
  std::function<at::Tensor(const VaeTiles&)> tiled;
  std::function<std::size_t(std::size_t)> make_room;
};

/// `whole` where it fits, else `tiled` with the largest tiles that do.
at::Tensor within_memory(std::int64_t height, std::int64_t width, const VaeRun& run, const Ways& ways) {
  const auto short_of = [&](std::int64_t h, std::int64_t w) {
    const auto need = ways.need(h, w), there = run.memory ? run.memory() : need;
    return need > there ? need - there : 0;
  };
  VaeTiles tiles{.tile = 0, .overlap = 0};
  const auto smaller = [&] {
    do tiles = tiles.tile ? VaeTiles{tiles.tile / 2, tiles.overlap / 2} : kFallback;
    while (tiles.tile > kSmallestTile && short_of(tiles.tile, tiles.tile));
  };
  if (const auto missing = short_of(height, width)) {
    ways.make_room(missing);
    if (short_of(height, width)) smaller();
  }
  for (bool alone = false;;) {
    try {
      return tiles.tile ? ways.tiled(tiles) : ways.whole();
    } catch (const c10::Error& error) {
      if (!is_out_of_memory(error)) throw;
    } catch (const std::bad_alloc&) {
    }
    if (!std::exchange(alone, true) && ways.make_room(std::numeric_limits<std::size_t>::max()) > 0) continue;
    if (tiles.tile == kSmallestTile) throw OutOfMemory("VAE: not enough memory, even with tiles of " + std::to_string(kSmallestTile) + " pixels");
    smaller();
  }
}

}  // namespace

at::Tensor Vae::decode(const at::Tensor& latent, const VaeRun& run) const {
  check_latent(latent, info());
  const auto scale = info().downscale;
  return each(latent.size(0), [&](std::int64_t i) {
    const auto one = latent.narrow(0, i, 1);
    return within_memory(latent.size(2) * scale, latent.size(3) * scale, run,
                         {.need = [&](auto height, auto width) { return decode_need(height, width); },
                          .whole = [&] { return finished(decode_one(one, [&] { call(run.check); })); },
                          .tiled = [&](const VaeTiles& tiles) { return decode_tiled(one, tiles, run); },
                          .make_room = [&](std::size_t bytes) { return make_room(bytes); }});
  });
}

at::Tensor Vae::encode(const at::Tensor& image, const VaeRun& run) const {
  const auto pictures = cut(image, info());
  return each(pictures.size(0), [&](std::int64_t i) {
    const auto one = pictures.narrow(0, i, 1);
    return within_memory(one.size(2), one.size(3), run,
                         {.need = [&](auto height, auto width) { return encode_need(height, width); },
                          .whole = [&] { return encode_one(one, [&] { call(run.check); }).contiguous(); },
                          .tiled =
                              [&](const VaeTiles& tiles) {
                                return encode_tiled(one.permute({0, 2, 3, 1}), tiles, run);
                              },
                          .make_room = [&](std::size_t bytes) { return make_room(bytes); }});
  });
}

at::Tensor Vae::decode_tiled(const at::Tensor& latent, const VaeTiles& tiles, const VaeRun& run) const {
  check_latent(latent, info());
  const auto scale = info().downscale;
  const VaeTiling tiling{.tile = tiles.tile / scale, .overlap = tiles.overlap / scale, .channels = info().image_channels, .factor = scale};
  Ticker tick(run, latent.size(0) * count_vae_tiles(latent.size(2), latent.size(3), tiling));
  return each(latent.size(0), [&](std::int64_t i) {
    return finished(in_vae_tiles(latent.narrow(0, i, 1), tiling, [&](const at::Tensor& part) { return decode_one(part, [&] { call(run.check); }); }, [&] { tick(); }));
  });
}

at::Tensor Vae::encode_tiled(const at::Tensor& image, const VaeTiles& tiles, const VaeRun& run) const {
  const auto pictures = cut(image, info());
  const auto scale = info().downscale;
  const VaeTiling tiling{.tile = tiles.tile / scale / 2 * 2 * scale, .overlap = tiles.overlap / scale * scale, .channels = info().latent_channels, .factor = 1, .divisor = scale};
  Ticker tick(run, pictures.size(0) * count_vae_tiles(pictures.size(2), pictures.size(3), tiling));
  return each(pictures.size(0), [&](std::int64_t i) {
    return in_vae_tiles(pictures.narrow(0, i, 1), tiling, [&](const at::Tensor& part) { return encode_one(part, [&] { call(run.check); }); }, [&] { tick(); }).contiguous();
  });
}

}  // namespace darkroom
