// Compiled for AVX2 and F16C: no shared headers, see cmake/Libtorch.cmake.

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__AVX2__) && defined(__F16C__)
#include <immintrin.h>

namespace darkroom::weight_cast {

bool available();
void half_to_bfloat16(const std::uint16_t* from, std::uint16_t* to, std::int64_t count);

bool available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"); }

namespace {

/// The upper halves of eight floats, rounded; each in the low half of 32 bits.
__m256i rounded(__m256 value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i near = _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  return _mm256_blendv_epi8(near, _mm256_set1_epi32(0x7fc0), nan);
}

void sixteen(const std::uint16_t* from, std::uint16_t* to) {
  const __m256i low = rounded(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  const __m256i high = rounded(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 8))));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8));
}

}  // namespace

void half_to_bfloat16(const std::uint16_t* from, std::uint16_t* to, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) sixteen(from + i, to + i);
  if (i == count) return;
  std::uint16_t last[16] = {}, out[16];
  std::memcpy(last, from + i, static_cast<std::size_t>(count - i) * sizeof *from);
  sixteen(last, out);
  std::memcpy(to + i, out, static_cast<std::size_t>(count - i) * sizeof *to);
}

}  // namespace darkroom::weight_cast

#else

namespace darkroom::weight_cast {
bool available();
void half_to_bfloat16(const std::uint16_t* from, std::uint16_t* to, std::int64_t count);
bool available() { return false; }
void half_to_bfloat16(const std::uint16_t*, std::uint16_t*, std::int64_t) {}
}  // namespace darkroom::weight_cast

#endif
