// The computing part of Winograd F(4x4, 3x3) for AVX2 and FMA: winograd_kernel.hpp with registers of 8 numbers.

#include "tensor/winograd.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_tile.hpp"
#include "tensor/winograd_kernel.hpp"

namespace darkroom::winograd {
namespace {

static_assert(kGroup == kTileRows && kPanel == kTileColumns && kLanes == kVec);

struct Avx2 {
  using Vec = __m256;
  using Part = __m256i;
  static constexpr std::int64_t kWidth = 8;
  static inline Part part(std::int64_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static inline Vec load(const float* from) { return _mm256_loadu_ps(from); }
  static inline Vec load(const float* from, Part part) { return _mm256_maskload_ps(from, part); }
  static inline void store(float* to, Vec v) { _mm256_storeu_ps(to, v); }
  static inline void store(float* to, Vec v, Part part) { _mm256_maskstore_ps(to, part, v); }
  static inline Vec set(float x) { return _mm256_set1_ps(x); }
  static inline Vec zero() { return _mm256_setzero_ps(); }
  static inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
  static inline Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
  static inline Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
  static inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
  static inline Vec fnma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
  static inline Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
  static inline Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }

  static void multiply(const Call& call, const float* points, std::int64_t groups, float* products) {
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
};

}  // namespace

namespace avx2 {
bool available() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch) { Kernel<Avx2>::run(call, first, last, scratch); }
}  // namespace avx2

}  // namespace darkroom::winograd

#else

namespace darkroom::winograd::avx2 {
bool available() { return false; }
void run(const Call&, std::int64_t, std::int64_t, float*) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::winograd::avx2

#endif
