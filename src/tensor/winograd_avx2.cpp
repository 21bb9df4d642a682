// The computing part of Winograd F(4x4, 3x3) for AVX2 and FMA. Per block of tiles: input transform, 36 matrix products,
// output transform with bias, activation and residuals. See winograd.hpp.

#include "tensor/winograd.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_tile.hpp"

namespace darkroom::winograd {
namespace {

constexpr float kA = 0.75F, kB = 1.5F, kA2 = kA * kA, kB2 = kB * kB, kSum = kA2 + kB2, kProduct = kA2 * kB2, kA3 = kA2 * kA, kB3 = kB2 * kB;
constexpr int kRows = kTileRows;
constexpr std::int64_t kSkew = 16;  // a cache line between points, so that the 36 streams don't share sets of the cache

static_assert(kBlock % kRows == 0 && kPanel == kTileColumns && kLanes == kVec);

// Both intermediate arrays are [group of kRows tiles][point][tile][channel]: a tile's 36 stores stay within a few pages.
std::int64_t point_stride(std::int64_t channels) { return kRows * channels + kSkew; }
std::int64_t group_stride(std::int64_t channels) { return kPoints * point_stride(channels); }
std::int64_t place_in(std::int64_t tile, std::int64_t channels) { return tile / kRows * group_stride(channels) + tile % kRows * channels; }

/// B^T d: six numbers of a line to six points.
inline void input_line(const Vec d[6], Vec r[6]) {
  const Vec a = _mm256_set1_ps(kA), b = _mm256_set1_ps(kB), a2 = _mm256_set1_ps(kA2), b2 = _mm256_set1_ps(kB2), sum = _mm256_set1_ps(kSum), product = _mm256_set1_ps(kProduct);
  r[0] = _mm256_fnmadd_ps(sum, d[2], _mm256_fmadd_ps(product, d[0], d[4]));
  const Vec even_b = _mm256_fnmadd_ps(b2, d[2], d[4]), odd_b = _mm256_fnmadd_ps(b2, d[1], d[3]);
  r[1] = _mm256_fmadd_ps(a, odd_b, even_b);
  r[2] = _mm256_fnmadd_ps(a, odd_b, even_b);
  const Vec even_a = _mm256_fnmadd_ps(a2, d[2], d[4]), odd_a = _mm256_fnmadd_ps(a2, d[1], d[3]);
  r[3] = _mm256_fmadd_ps(b, odd_a, even_a);
  r[4] = _mm256_fnmadd_ps(b, odd_a, even_a);
  r[5] = _mm256_fnmadd_ps(sum, d[3], _mm256_fmadd_ps(product, d[1], d[5]));
}

/// A^T m: six points to four numbers of a line.
inline void output_line(const Vec m[6], Vec y[4]) {
  const Vec sum_a = _mm256_add_ps(m[1], m[2]), difference_a = _mm256_sub_ps(m[1], m[2]);
  const Vec sum_b = _mm256_add_ps(m[3], m[4]), difference_b = _mm256_sub_ps(m[3], m[4]);
  y[0] = _mm256_add_ps(m[0], _mm256_add_ps(sum_a, sum_b));
  y[1] = _mm256_fmadd_ps(_mm256_set1_ps(kA), difference_a, _mm256_mul_ps(_mm256_set1_ps(kB), difference_b));
  y[2] = _mm256_fmadd_ps(_mm256_set1_ps(kA2), sum_a, _mm256_mul_ps(_mm256_set1_ps(kB2), sum_b));
  y[3] = _mm256_fmadd_ps(_mm256_set1_ps(kA3), difference_a, _mm256_fmadd_ps(_mm256_set1_ps(kB3), difference_b, m[5]));
}

struct Place {
  std::int64_t image, y, x;  // of the tile's first output pixel; y counts from first_row
};

Place place_of(const Call& call, std::int64_t tile) {
  const auto across = (call.width + kOutput - 1) / kOutput, down = (call.rows + kOutput - 1) / kOutput;
  return {tile / (across * down), tile / across % down * kOutput, tile % across * kOutput};
}

/// Transforms one tile's 6x6 inputs, all channels, into column `t` of the points.
void transform_input(const Call& call, const Place& at, const float* zeros, float* points, std::int64_t t) {
  const float* pixel[kInput][kInput];
  for (int i = 0; i < kInput; ++i)
    for (int j = 0; j < kInput; ++j) {
      const auto y = call.first_row + at.y - 1 + i, x = at.x - 1 + j;
      // Rows below the last one that is asked for are read by nobody's output; they may not be there in a band.
      const bool inside = y >= 0 && y < call.height && y <= call.first_row + call.rows && x >= 0 && x < call.width;
      pixel[i][j] = inside ? call.x.data + at.image * call.x.image + ((y >> call.doubled) - call.x_first_row) * call.x.row + (x >> call.doubled) * call.x.pixel : zeros;
    }
  const auto stride = point_stride(call.in);
  float* out = points + place_in(t, call.in);
  for (std::int64_t c = 0; c < call.in; c += kLanes) {
    Vec lines[kInput][kInput];
#pragma GCC unroll 6
    for (int j = 0; j < kInput; ++j) {
      Vec d[kInput], r[kInput];
#pragma GCC unroll 6
      for (int i = 0; i < kInput; ++i) d[i] = _mm256_loadu_ps(pixel[i][j] + c);
      input_line(d, r);
#pragma GCC unroll 6
      for (int i = 0; i < kInput; ++i) lines[i][j] = r[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < kInput; ++i) {
      Vec r[kInput];
      input_line(lines[i], r);
#pragma GCC unroll 6
      for (int j = 0; j < kInput; ++j) _mm256_storeu_ps(out + (i * kInput + j) * stride + c, r[j]);
    }
  }
}

/// The 36 products [tiles][in] * [in][out] of `groups` groups of tiles.
void multiply(const Call& call, const float* points, std::int64_t groups, float* products) {
  const auto out = padded_out(call.out);
  for (int p = 0; p < kPoints; ++p)
    for (std::int64_t panel = 0; panel < out; panel += kPanel) {
      const float* b = call.weight + p * call.in * out + panel * call.in;
      for (std::int64_t g = 0; g < groups; ++g) {
        const float* a = points + g * group_stride(call.in) + p * point_stride(call.in);
        float* c = products + g * group_stride(out) + p * point_stride(out) + panel;
        if (out - panel >= kPanel) product_tile_16(a, call.in, call.in, b, c, out);
        else product_tile_8(a, call.in, call.in, b, c, out);
      }
    }
}

void transform_output(const Call& call, const Place& at, const float* products, std::int64_t t) {
  const auto out = padded_out(call.out), stride = point_stride(out);
  const auto height = call.rows - at.y < kOutput ? call.rows - at.y : kOutput, width = call.width - at.x < kOutput ? call.width - at.x : kOutput;
  const auto offset = [&at](const auto& view, std::int64_t i, std::int64_t j) { return at.image * view.image + (at.y + i) * view.row + (at.x + j) * view.pixel; };
  for (std::int64_t c = 0; c < call.out; c += kLanes) {
    const float* in = products + place_in(t, out) + c;
    Vec lines[kOutput][kInput];
    for (int j = 0; j < kInput; ++j) {
      Vec m[kInput], y[kOutput];
      for (int i = 0; i < kInput; ++i) m[i] = _mm256_loadu_ps(in + (i * kInput + j) * stride);
      output_line(m, y);
      for (int i = 0; i < kOutput; ++i) lines[i][j] = y[i];
    }
    const Vec bias = _mm256_loadu_ps(call.bias + c), slope = _mm256_loadu_ps(call.slope + c), zero = _mm256_setzero_ps();
    const bool partial = call.out - c < kLanes;
    const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(call.out - c)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    for (std::int64_t i = 0; i < height; ++i) {
      Vec y[kOutput];
      output_line(lines[i], y);
      for (std::int64_t j = 0; j < width; ++j) {
        Vec v = _mm256_add_ps(y[j], bias);
        // zero first: of an unordered pair the second operand comes out, so NaN stays NaN
        v = _mm256_fmadd_ps(slope, _mm256_min_ps(zero, v), _mm256_max_ps(zero, v));
        for (int k = 0; k < call.residuals; ++k) {
          const float* from = call.residual[k].data + offset(call.residual[k], i, j) + c;
          const Vec other = partial ? _mm256_maskload_ps(from, mask) : _mm256_loadu_ps(from);
          v = _mm256_fmadd_ps(_mm256_set1_ps(call.residual_scale[k]), other, v);
        }
        float* to = call.y.data + offset(call.y, i, j) + c;
        if (partial) _mm256_maskstore_ps(to, mask, v);
        else _mm256_storeu_ps(to, v);
      }
    }
  }
}

}  // namespace

bool available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

std::int64_t scratch_floats(std::int64_t in, std::int64_t out) { return kBlock / kRows * (group_stride(in) + group_stride(padded_out(out))) + in; }

void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch) {
  float* points = scratch;
  float* products = points + kBlock / kRows * group_stride(call.in);
  float* zeros = products + kBlock / kRows * group_stride(padded_out(call.out));
  for (std::int64_t c = 0; c < call.in; ++c) zeros[c] = 0;
  for (auto block = first; block < last; block += kBlock) {
    const auto count = last - block < kBlock ? last - block : kBlock, groups = (count + kRows - 1) / kRows;
    for (std::int64_t t = 0; t < count; ++t) transform_input(call, place_of(call, block + t), zeros, points, t);
    for (auto t = count; t < groups * kRows; ++t)  // tiles that only fill the last group
      for (int p = 0; p < kPoints; ++p)
        for (std::int64_t c = 0; c < call.in; ++c) points[place_in(t, call.in) + p * point_stride(call.in) + c] = 0;
    multiply(call, points, groups, products);
    for (std::int64_t t = 0; t < count; ++t) transform_output(call, place_of(call, block + t), products, t);
  }
}

}  // namespace darkroom::winograd

#else

namespace darkroom::winograd {
bool available() { return false; }
std::int64_t scratch_floats(std::int64_t, std::int64_t) { return 0; }
void run(const Call&, std::int64_t, std::int64_t, float*) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::winograd

#endif
