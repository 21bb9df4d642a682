#pragma once
// bf16 in memory, float32 in registers, with AVX2 alone. Only for files that are compiled for AVX2 and include nothing else that is
// shared; everything here has internal linkage.

#include <immintrin.h>

#include <cstdint>

namespace darkroom {
namespace {

inline __m256 load_floats(const float* from) { return _mm256_loadu_ps(from); }
inline __m256 load_floats(const std::uint16_t* from) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))), 16));
}

/// Rounded to nearest, ties to even. A NaN that comes from bf16 or from arithmetic stays one; others may become infinity.
inline void store_bf16(std::uint16_t* to, __m256 value) {
  const __m256i bits = _mm256_castps_si256(value), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i high = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), odd), 16);
  const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), packed);
}

inline void store_floats(float* to, __m256 value) { _mm256_storeu_ps(to, value); }
inline void store_floats(std::uint16_t* to, __m256 value) { store_bf16(to, value); }

}  // namespace
}  // namespace darkroom
