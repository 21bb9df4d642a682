#include "tensor/gated_depthwise.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_bf16.hpp"

namespace darkroom::gated_depthwise {
namespace {

using Vec = __m256;
constexpr std::int64_t kVec = 8;
constexpr int kPixels = 8;  // outputs of a row that are summed together: with 3 weights and an input they fill 12 of 16 registers

/// Adds one row of the kernel: input `t` is seen by the outputs t-2..t. `inside`: inputs [first, last) exist, the others are zero.
template <int T, bool Whole, class Number>
[[gnu::always_inline]] inline void add_input(const Number* row, std::int64_t pixel, const Vec (&weight)[kSide], Vec (&sums)[kPixels],
                                             int first, int last) {
  if (Whole || (T >= first && T < last)) {
    const Vec input = load_floats(row + T * pixel);
#pragma GCC unroll 3
    for (int j = 0; j < kSide; ++j)
      if (T - j >= 0 && T - j < kPixels) sums[T - j] = _mm256_fmadd_ps(input, weight[j], sums[T - j]);
  }
  if constexpr (T + 1 < kPixels + kSide - 1) add_input<T + 1, Whole>(row, pixel, weight, sums, first, last);
}

/// 8 outputs of a row side by side, from column `x` on, of the 8 channels from `channel` on.
template <bool Whole, class Number>
inline void sum_pixels(const Call<Number>& call, std::int64_t y, std::int64_t x, std::int64_t channel, Vec (&sums)[kPixels]) {
  const auto pixel = 2 * call.channels;
  const Vec bias = _mm256_loadu_ps(call.bias + channel);
#pragma GCC unroll 8
  for (auto& sum : sums) sum = bias;
  const float* weight = call.weight + channel * kSide * kSide;
  const int first = x == 0 ? 1 : 0, last = static_cast<int>(call.width - x + 1);
  for (std::int64_t i = 0; i < kSide; ++i, weight += kSide * kVec) {
    const auto source = y + i - 1;
    if (source < 0 || source >= call.height) continue;
    const Vec row[kSide] = {_mm256_loadu_ps(weight), _mm256_loadu_ps(weight + kVec), _mm256_loadu_ps(weight + 2 * kVec)};
    add_input<0, Whole>(call.x + (source * call.width + x - 1) * pixel + channel, pixel, row, sums, first, last);
  }
}

template <bool Whole, class Number>
inline void block(const Call<Number>& call, std::int64_t y, std::int64_t x, std::int64_t channel, float* total) {
  Vec one[kPixels], two[kPixels];
  sum_pixels<Whole>(call, y, x, channel, one);
  sum_pixels<Whole>(call, y, x, call.channels + channel, two);
  const auto count = Whole || call.width - x >= kPixels ? kPixels : call.width - x;
  Number* to = call.y + (y * call.width + x) * call.channels + channel;
  Vec sum = _mm256_loadu_ps(total);
  for (std::int64_t i = 0; i < count; ++i) {
    const Vec product = _mm256_mul_ps(one[i], two[i]);
    store_floats(to + i * call.channels, product);
    sum = _mm256_add_ps(sum, product);
  }
  _mm256_storeu_ps(total, sum);
}

template <class Number>
void run_bands(const Call<Number>& call, std::int64_t first, std::int64_t last) {
  for (auto band = first; band < last; ++band) {
    float* sums = call.sums + band * call.channels;
    for (std::int64_t c = 0; c < call.channels; ++c) sums[c] = 0;
    const auto end = (band + 1) * kBandRows < call.height ? (band + 1) * kBandRows : call.height;
    for (auto y = band * kBandRows; y < end; ++y)
      for (std::int64_t c = 0; c < call.channels; c += kVec)
        for (std::int64_t x = 0; x < call.width; x += kPixels) {
          if (x > 0 && x + kPixels < call.width) block<true>(call, y, x, c, sums + c);
          else block<false>(call, y, x, c, sums + c);
        }
  }
}

}  // namespace

bool available(std::int64_t channels) { return channels % kVec == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

void pack(const float* weight, std::int64_t channels, float* packed) {
  for (std::int64_t c = 0; c < 2 * channels; ++c)
    for (std::int64_t k = 0; k < kSide * kSide; ++k)
      packed[(c / kVec * kSide * kSide + k) * kVec + c % kVec] = weight[c * kSide * kSide + k];
}

void run(const Call<float>& call, std::int64_t first, std::int64_t last) { run_bands(call, first, last); }
void run(const Call<Bf16>& call, std::int64_t first, std::int64_t last) { run_bands(call, first, last); }

}  // namespace darkroom::gated_depthwise

#else

namespace darkroom::gated_depthwise {
bool available(std::int64_t) { return false; }
void pack(const float*, std::int64_t, float*) {}
void run(const Call<float>&, std::int64_t, std::int64_t) { __builtin_trap(); }  // available() is false: never called
void run(const Call<Bf16>&, std::int64_t, std::int64_t) { __builtin_trap(); }
}  // namespace darkroom::gated_depthwise

#endif
