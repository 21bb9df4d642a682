#pragma once
// The matrix product's register tile for AVX2 and FMA: 6 rows x 16 columns in 12 of 16 registers. Only for files that are compiled
// for AVX2 and include nothing else that is shared; everything here has internal linkage.

#include <immintrin.h>

#include <cstdint>

namespace darkroom {
namespace {

using Vec = __m256;
constexpr int kTileRows = 6;
constexpr std::int64_t kTileColumns = 16;
constexpr std::int64_t kVec = 8;

/// c[6][16] = a[6][depth] * b[depth][16], rows of a and c `a_stride` and `c_stride` apart. With Accumulate: c * scale[row] is added.
/// The sums are named one by one: as an array GCC keeps them in memory as well.
template <bool Accumulate = false>
inline void product_tile_16(const float* a, std::int64_t a_stride, std::int64_t depth, const float* b, float* c, std::int64_t c_stride, const float* scale = nullptr) {
  Vec s00 = _mm256_setzero_ps(), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00, s40 = s00, s41 = s00, s50 = s00, s51 = s00;
  if constexpr (Accumulate) {
    const auto scaled = [c, c_stride, scale](int row, int half) { return _mm256_mul_ps(_mm256_broadcast_ss(scale + row), _mm256_loadu_ps(c + row * c_stride + half * kVec)); };
    s00 = scaled(0, 0), s01 = scaled(0, 1), s10 = scaled(1, 0), s11 = scaled(1, 1), s20 = scaled(2, 0), s21 = scaled(2, 1);
    s30 = scaled(3, 0), s31 = scaled(3, 1), s40 = scaled(4, 0), s41 = scaled(4, 1), s50 = scaled(5, 0), s51 = scaled(5, 1);
  }
  const float *a0 = a, *a1 = a + a_stride, *a2 = a + 2 * a_stride, *a3 = a + 3 * a_stride, *a4 = a + 4 * a_stride, *a5 = a + 5 * a_stride;
#pragma GCC unroll 4
  for (std::int64_t k = 0; k < depth; ++k) {
    const Vec b0 = _mm256_loadu_ps(b + k * kTileColumns), b1 = _mm256_loadu_ps(b + k * kTileColumns + kVec);
    Vec left = _mm256_broadcast_ss(a0 + k);
    s00 = _mm256_fmadd_ps(left, b0, s00), s01 = _mm256_fmadd_ps(left, b1, s01);
    left = _mm256_broadcast_ss(a1 + k);
    s10 = _mm256_fmadd_ps(left, b0, s10), s11 = _mm256_fmadd_ps(left, b1, s11);
    left = _mm256_broadcast_ss(a2 + k);
    s20 = _mm256_fmadd_ps(left, b0, s20), s21 = _mm256_fmadd_ps(left, b1, s21);
    left = _mm256_broadcast_ss(a3 + k);
    s30 = _mm256_fmadd_ps(left, b0, s30), s31 = _mm256_fmadd_ps(left, b1, s31);
    left = _mm256_broadcast_ss(a4 + k);
    s40 = _mm256_fmadd_ps(left, b0, s40), s41 = _mm256_fmadd_ps(left, b1, s41);
    left = _mm256_broadcast_ss(a5 + k);
    s50 = _mm256_fmadd_ps(left, b0, s50), s51 = _mm256_fmadd_ps(left, b1, s51);
  }
  _mm256_storeu_ps(c, s00), _mm256_storeu_ps(c + kVec, s01), c += c_stride;
  _mm256_storeu_ps(c, s10), _mm256_storeu_ps(c + kVec, s11), c += c_stride;
  _mm256_storeu_ps(c, s20), _mm256_storeu_ps(c + kVec, s21), c += c_stride;
  _mm256_storeu_ps(c, s30), _mm256_storeu_ps(c + kVec, s31), c += c_stride;
  _mm256_storeu_ps(c, s40), _mm256_storeu_ps(c + kVec, s41), c += c_stride;
  _mm256_storeu_ps(c, s50), _mm256_storeu_ps(c + kVec, s51);
}

/// The same for 8 columns: c[6][8] = a[6][depth] * b[depth][8].
template <bool Accumulate = false>
inline void product_tile_8(const float* a, std::int64_t a_stride, std::int64_t depth, const float* b, float* c, std::int64_t c_stride, const float* scale = nullptr) {
  Vec s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  if constexpr (Accumulate) {
    const auto scaled = [c, c_stride, scale](int row) { return _mm256_mul_ps(_mm256_broadcast_ss(scale + row), _mm256_loadu_ps(c + row * c_stride)); };
    s0 = scaled(0), s1 = scaled(1), s2 = scaled(2), s3 = scaled(3), s4 = scaled(4), s5 = scaled(5);
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    const Vec right = _mm256_loadu_ps(b + k * kVec);
    s0 = _mm256_fmadd_ps(_mm256_broadcast_ss(a + k), right, s0);
    s1 = _mm256_fmadd_ps(_mm256_broadcast_ss(a + a_stride + k), right, s1);
    s2 = _mm256_fmadd_ps(_mm256_broadcast_ss(a + 2 * a_stride + k), right, s2);
    s3 = _mm256_fmadd_ps(_mm256_broadcast_ss(a + 3 * a_stride + k), right, s3);
    s4 = _mm256_fmadd_ps(_mm256_broadcast_ss(a + 4 * a_stride + k), right, s4);
    s5 = _mm256_fmadd_ps(_mm256_broadcast_ss(a + 5 * a_stride + k), right, s5);
  }
  _mm256_storeu_ps(c, s0), _mm256_storeu_ps(c + c_stride, s1), _mm256_storeu_ps(c + 2 * c_stride, s2);
  _mm256_storeu_ps(c + 3 * c_stride, s3), _mm256_storeu_ps(c + 4 * c_stride, s4), _mm256_storeu_ps(c + 5 * c_stride, s5);
}

/// 2^x for x <= 0, relative error 1e-7 before the last rounding; 0 below -126.5. NaN stays NaN.
inline Vec exp2_negative(Vec x) {
  x = _mm256_max_ps(_mm256_set1_ps(-127.0F), x);  // of an unordered pair the second operand comes out
  const Vec whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm256_sub_ps(x, whole);
  Vec p = _mm256_fmadd_ps(_mm256_set1_ps(0.0013276470686761044F), f, _mm256_set1_ps(0.009675541324028342F));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.05550713277540288F));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.2402211972409956F));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.693146967062287F));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1.0000000716546054F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(p, _mm256_castsi256_ps(exponent));
}

}  // namespace
}  // namespace darkroom
