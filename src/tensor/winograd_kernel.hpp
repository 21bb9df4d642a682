#pragma once
// Winograd F(4x4, 3x3) for any width of registers. Per block of tiles: input transform, 36 matrix products, output transform with bias,
// activation and residuals. See winograd.hpp.
//
// Only for files that are compiled for one kind of processor; everything here has internal linkage. Such a file says what `Simd` is:
//
//   Vec, kWidth              a register and how many float32 it has
//   Part, part(count)        the first `count` of them, at most kWidth
//   load(p), load(p, part)   store(p, v), store(p, v, part)
//   set(x), zero(), add, sub, mul, fma(a, b, c) = a * b + c, fnma(a, b, c) = c - a * b, min, max
//   multiply(call, points, groups, products)   the 36 products [tiles][in] * [in][out] of `groups` groups of tiles
//
// min and max give the second operand of an unordered pair.

#include <immintrin.h>

#include "tensor/winograd.hpp"

namespace darkroom::winograd {
namespace {

constexpr float kA = 0.75F, kB = 1.5F, kA2 = kA * kA, kB2 = kB * kB, kSum = kA2 + kB2, kProduct = kA2 * kB2, kA3 = kA2 * kA, kB3 = kB2 * kB;
constexpr std::int64_t kLineFloats = 16;  // of the cache

struct Place {
  std::int64_t image, y, x;  // of the tile's first output pixel; y counts from first_row
};

inline Place place_of(const Call& call, std::int64_t tile) {
  const auto across = (call.width + kOutput - 1) / kOutput, down = (call.rows + kOutput - 1) / kOutput;
  return {tile / (across * down), tile / across % down * kOutput, tile % across * kOutput};
}

template <class Simd>
class Kernel {
  using Vec = typename Simd::Vec;

 public:
  static void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch) {
    const auto tiles = block_tiles(call.in, call.out);
    float* points = scratch;
    float* products = points + tiles / kGroup * group_stride(call.in);
    float* zeros = products + tiles / kGroup * group_stride(padded_out(call.out));
    for (std::int64_t c = 0; c < call.in; ++c) zeros[c] = 0;
    for (auto block = first; block < last; block += tiles) {
      const auto count = last - block < tiles ? last - block : tiles, groups = (count + kGroup - 1) / kGroup;
      for (std::int64_t t = 0; t < count; ++t) transform_input(call, place_of(call, block + t), zeros, points, t);
      for (auto t = count; t < groups * kGroup; ++t)  // tiles that only fill the last group
        for (int p = 0; p < kPoints; ++p)
          for (std::int64_t c = 0; c < call.in; ++c) points[place_in(t, call.in) + p * point_stride(call.in) + c] = 0;
      Simd::multiply(call, points, groups, products);
      for (std::int64_t t = 0; t < count; ++t) transform_output(call, place_of(call, block + t), products, t);
    }
  }

 private:
  /// B^T d: six numbers of a line to six points.
  static inline void input_line(const Vec d[6], Vec r[6]) {
    const Vec a = Simd::set(kA), b = Simd::set(kB), a2 = Simd::set(kA2), b2 = Simd::set(kB2), sum = Simd::set(kSum),
              product = Simd::set(kProduct);
    r[0] = Simd::fnma(sum, d[2], Simd::fma(product, d[0], d[4]));
    const Vec even_b = Simd::fnma(b2, d[2], d[4]), odd_b = Simd::fnma(b2, d[1], d[3]);
    r[1] = Simd::fma(a, odd_b, even_b);
    r[2] = Simd::fnma(a, odd_b, even_b);
    const Vec even_a = Simd::fnma(a2, d[2], d[4]), odd_a = Simd::fnma(a2, d[1], d[3]);
    r[3] = Simd::fma(b, odd_a, even_a);
    r[4] = Simd::fnma(b, odd_a, even_a);
    r[5] = Simd::fnma(sum, d[3], Simd::fma(product, d[1], d[5]));
  }

  /// A^T m: six points to four numbers of a line.
  static inline void output_line(const Vec m[6], Vec y[4]) {
    const Vec sum_a = Simd::add(m[1], m[2]), difference_a = Simd::sub(m[1], m[2]);
    const Vec sum_b = Simd::add(m[3], m[4]), difference_b = Simd::sub(m[3], m[4]);
    y[0] = Simd::add(m[0], Simd::add(sum_a, sum_b));
    y[1] = Simd::fma(Simd::set(kA), difference_a, Simd::mul(Simd::set(kB), difference_b));
    y[2] = Simd::fma(Simd::set(kA2), sum_a, Simd::mul(Simd::set(kB2), sum_b));
    y[3] = Simd::fma(Simd::set(kA3), difference_a, Simd::fma(Simd::set(kB3), difference_b, m[5]));
  }

  /// Where a tile's 6x6 inputs are; `zeros` for those outside.
  struct Pixels {
    const float* at[kInput][kInput];
  };

  static Pixels pixels_of(const Call& call, const Place& at, const float* zeros) {
    Pixels pixels;
    for (int i = 0; i < kInput; ++i)
      for (int j = 0; j < kInput; ++j) {
        const auto y = call.first_row + at.y - 1 + i, x = at.x - 1 + j;
        // Rows below the last one that is asked for are read by nobody's output; they may not be there in a band.
        const bool inside = y >= 0 && y < call.height && y <= call.first_row + call.rows && x >= 0 && x < call.width;
        pixels.at[i][j] = inside ? call.x.data + at.image * call.x.image + ((y >> call.doubled) - call.x_first_row) * call.x.row +
                                       (x >> call.doubled) * call.x.pixel
                                 : zeros;
      }
    return pixels;
  }

  /// A register of channels of a tile: `parts` is empty, or what there is of them.
  template <class... Parts>
  static inline void transform_channels(const Pixels& pixels, std::int64_t c, float* out, std::int64_t stride, Parts... parts) {
    Vec lines[kInput][kInput];
#pragma GCC unroll 6
    for (int j = 0; j < kInput; ++j) {
      Vec d[kInput], r[kInput];
#pragma GCC unroll 6
      for (int i = 0; i < kInput; ++i) d[i] = Simd::load(pixels.at[i][j] + c, parts...);
      input_line(d, r);
#pragma GCC unroll 6
      for (int i = 0; i < kInput; ++i) lines[i][j] = r[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < kInput; ++i) {
      Vec r[kInput];
      input_line(lines[i], r);
#pragma GCC unroll 6
      for (int j = 0; j < kInput; ++j) Simd::store(out + (i * kInput + j) * stride + c, r[j], parts...);
    }
  }

  /// Transforms one tile's 6x6 inputs, all channels, into column `t` of the points.
  static void transform_input(const Call& call, const Place& at, const float* zeros, float* points, std::int64_t t) {
    const auto pixels = pixels_of(call, at, zeros);
    const auto stride = point_stride(call.in), to_next = (kOutput >> call.doubled) * call.x.pixel;
    float* out = points + place_in(t, call.in);
    std::int64_t c = 0;
    for (; c + Simd::kWidth <= call.in; c += Simd::kWidth) {
      // The pixels that the next tile adds to these: two dozen streams are more than a processor fetches ahead by itself. On Zen 4 a
      // third of the transform's time was waiting for them.
      if (c % kLineFloats == 0)
        for (int i = 0; i < kInput; ++i)
          for (int j = kInput - kOutput; j < kInput; ++j)
            _mm_prefetch(reinterpret_cast<const char*>(pixels.at[i][j] + to_next + c), _MM_HINT_T1);
      transform_channels(pixels, c, out, stride);
    }
    if (c < call.in) transform_channels(pixels, c, out, stride, Simd::part(call.in - c));
  }

  static void transform_output(const Call& call, const Place& at, const float* products, std::int64_t t) {
    const auto out = padded_out(call.out);
    std::int64_t c = 0;
    for (; c + Simd::kWidth <= call.out; c += Simd::kWidth) output_channels(call, at, products + place_in(t, out), c);
    if (c < call.out) output_channels(call, at, products + place_in(t, out), c, Simd::part(call.out - c));
  }

  /// A register of channels of a tile. Bias, slope and products have zeros or whatever else behind the last channel: they are read whole.
  template <class... Parts>
  static inline void output_channels(const Call& call, const Place& at, const float* products, std::int64_t c, Parts... parts) {
    const auto stride = point_stride(padded_out(call.out));
    const auto height = call.rows - at.y < kOutput ? call.rows - at.y : kOutput,
               width = call.width - at.x < kOutput ? call.width - at.x : kOutput;
    const auto offset = [&at](const auto& view, std::int64_t i, std::int64_t j) {
      return at.image * view.image + (at.y + i) * view.row + (at.x + j) * view.pixel;
    };
    const float* in = products + c;
    Vec lines[kOutput][kInput];
#pragma GCC unroll 6
    for (int j = 0; j < kInput; ++j) {
      Vec m[kInput], y[kOutput];
#pragma GCC unroll 6
      for (int i = 0; i < kInput; ++i) m[i] = Simd::load(in + (i * kInput + j) * stride, parts...);
      output_line(m, y);
#pragma GCC unroll 4
      for (int i = 0; i < kOutput; ++i) lines[i][j] = y[i];
    }
    const Vec bias = Simd::load(call.bias + c, parts...), slope = Simd::load(call.slope + c, parts...), zero = Simd::zero();
#pragma GCC unroll 4
    for (int i = 0; i < kOutput; ++i) {
      if (i >= height) break;
      Vec y[kOutput];
      output_line(lines[i], y);
#pragma GCC unroll 4
      for (int j = 0; j < kOutput; ++j) {
        if (j >= width) break;
        Vec v = Simd::add(y[j], bias);
        // zero first: NaN stays NaN
        v = Simd::fma(slope, Simd::min(zero, v), Simd::max(zero, v));
        for (int k = 0; k < call.residuals; ++k)
          v = Simd::fma(Simd::set(call.residual_scale[k]), Simd::load(call.residual[k].data + offset(call.residual[k], i, j) + c, parts...),
                        v);
        Simd::store(call.y.data + offset(call.y, i, j) + c, v, parts...);
      }
    }
  }
};

}  // namespace
}  // namespace darkroom::winograd
