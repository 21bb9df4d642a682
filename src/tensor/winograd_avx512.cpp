// The computing part of Winograd F(4x4, 3x3) for AVX-512: winograd_kernel.hpp with registers of 16 numbers. Sums are taken in the same
// order as for AVX2: the results are the same to the last bit.

#include "tensor/winograd.hpp"

#if defined(__x86_64__) && defined(__AVX512F__)
#include "tensor/winograd_kernel.hpp"

namespace darkroom::winograd {
namespace {

/// c[Groups * kGroup][Panels * kPanel] = a * b for 1 or 2 groups of tiles and panels of outputs, side by side: with two of both 24 of 32
/// registers are sums, and two numbers are loaded for every three that are multiplied and added. `Part` is what there is of the last panel.
template <int Groups, int Panels, class Part>
inline void product(const float* a, std::int64_t a_group, std::int64_t depth, const float* b, std::int64_t b_panel, std::int64_t b_row,
                    float* c, std::int64_t c_group, std::int64_t c_stride, Part part) {
  constexpr int kRows = Groups * kGroup;
  __m512 sums[kRows][Panels];
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int panel = 0; panel < Panels; ++panel) sums[row][panel] = _mm512_setzero_ps();
  for (std::int64_t k = 0; k < depth; ++k) {
    __m512 right[Panels];
#pragma GCC unroll 2
    for (int panel = 0; panel < Panels; ++panel) right[panel] = _mm512_maskz_loadu_ps(part, b + panel * b_panel + k * b_row);
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      const __m512 left = _mm512_set1_ps(a[row / kGroup * a_group + row % kGroup * depth + k]);
#pragma GCC unroll 2
      for (int panel = 0; panel < Panels; ++panel) sums[row][panel] = _mm512_fmadd_ps(left, right[panel], sums[row][panel]);
    }
  }
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int panel = 0; panel < Panels; ++panel)
      _mm512_mask_storeu_ps(c + row / kGroup * c_group + row % kGroup * c_stride + panel * kPanel, part, sums[row][panel]);
}

struct Avx512 {
  using Vec = __m512;
  using Part = __mmask16;
  static constexpr std::int64_t kWidth = 16;
  static inline Part part(std::int64_t count) { return static_cast<Part>((1U << count) - 1); }
  static inline Vec load(const float* from) { return _mm512_loadu_ps(from); }
  static inline Vec load(const float* from, Part part) { return _mm512_maskz_loadu_ps(part, from); }
  static inline void store(float* to, Vec v) { _mm512_storeu_ps(to, v); }
  static inline void store(float* to, Vec v, Part part) { _mm512_mask_storeu_ps(to, part, v); }
  static inline Vec set(float x) { return _mm512_set1_ps(x); }
  static inline Vec zero() { return _mm512_setzero_ps(); }
  static inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static inline Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
  static inline Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
  static inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
  static inline Vec fnma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
  static inline Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
  static inline Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }

  static void multiply(const Call& call, const float* points, std::int64_t groups, float* products) {
    const auto out = padded_out(call.out);
    constexpr Part kWhole = 0xFFFF, kHalf = 0xFF;
    for (int p = 0; p < kPoints; ++p) {
      const float* weight = call.weight + p * call.in * out;
      std::int64_t panel = 0;
      for (; panel + 2 * kPanel <= out; panel += 2 * kPanel) of_panels<2>(call, weight, p, points, groups, products, panel, kPanel, kWhole);
      for (; panel + kPanel <= out; panel += kPanel) of_panels<1>(call, weight, p, points, groups, products, panel, kPanel, kWhole);
      if (panel < out) of_panels<1>(call, weight, p, points, groups, products, panel, kLanes, kHalf);
    }
  }

 private:
  /// All tiles, two groups at a time, times panels from `panel` on whose rows have `width` numbers.
  template <int Panels>
  static inline void of_panels(const Call& call, const float* weight, int p, const float* points, std::int64_t groups, float* products,
                               std::int64_t panel, std::int64_t width, Part part) {
    const auto out = padded_out(call.out), a_group = group_stride(call.in), c_group = group_stride(out);
    const float* a = points + p * point_stride(call.in);
    const float* b = weight + panel * call.in;
    float* c = products + p * point_stride(out) + panel;
    std::int64_t g = 0;
    for (; g + 2 <= groups; g += 2)
      product<2, Panels>(a + g * a_group, a_group, call.in, b, kPanel * call.in, width, c + g * c_group, c_group, out, part);
    if (g < groups) product<1, Panels>(a + g * a_group, a_group, call.in, b, kPanel * call.in, width, c + g * c_group, c_group, out, part);
  }
};

}  // namespace

namespace avx512 {
bool available() { return __builtin_cpu_supports("avx512f"); }
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch) { Kernel<Avx512>::run(call, first, last, scratch); }
}  // namespace avx512

}  // namespace darkroom::winograd

#else

namespace darkroom::winograd::avx512 {
bool available() { return false; }
void run(const Call&, std::int64_t, std::int64_t, float*) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::winograd::avx512

#endif
