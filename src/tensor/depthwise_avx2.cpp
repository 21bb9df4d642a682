#include "tensor/depthwise.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_bf16.hpp"
#include "tensor/avx2_tile.hpp"

namespace darkroom::depthwise {
namespace {

constexpr std::int64_t kBorder = kSide / 2;
constexpr std::int64_t kPixels = 8;  // outputs of a row that are summed together: with 7 weights and an input they fill 16 registers

/// Rows of a band: six more are read, so that few rows cost much, and many leave threads without work on a small picture.
std::int64_t band_rows(const Call& call) { return call.height < 64 ? 4 : 8; }

std::int64_t padded_width(const Call& call) { return (call.width + kPixels - 1) / kPixels * kPixels + 2 * kBorder; }

/// 8 channels of the rows that a band reads, zeros around the picture: [rows][padded width][8].
void copy_plane(const Call& call, std::int64_t channel, std::int64_t first_row, std::int64_t rows, float* to) {
  const auto width = padded_width(call);
  const Vec zero = _mm256_setzero_ps();
  for (std::int64_t r = 0; r < rows; ++r, to += width * kVec) {
    const auto row = first_row + r;
    const bool there = row >= 0 && row < call.height;
    const float* from = call.x + row * call.width * call.channels + channel;
    const auto end = there ? kBorder + call.width : kBorder;
    for (std::int64_t i = 0; i < kBorder; ++i) _mm256_storeu_ps(to + i * kVec, zero);
    if (there)
      for (std::int64_t i = 0; i < call.width; ++i) _mm256_storeu_ps(to + (kBorder + i) * kVec, _mm256_loadu_ps(from + i * call.channels));
    for (auto i = end; i < width; ++i) _mm256_storeu_ps(to + i * kVec, zero);
  }
}

/// Adds one row of the kernel: input `t` is seen by the outputs t-6..t. Every index is a constant once the loops are unrolled.
template <int T>
inline void add_input(const float* row, const Vec (&weight)[kSide], Vec (&sums)[kPixels]) {
  const Vec input = _mm256_loadu_ps(row + T * kVec);
#pragma GCC unroll 7
  for (int j = 0; j < kSide; ++j)
    if (T - j >= 0 && T - j < kPixels) sums[T - j] = _mm256_fmadd_ps(input, weight[j], sums[T - j]);
  if constexpr (T + 1 < kPixels + kSide - 1) add_input<T + 1>(row, weight, sums);
}

/// 8 outputs of a row side by side, of 8 channels.
inline void sum_pixels(const float* plane, std::int64_t row_floats, const float* weight, Vec bias, Vec (&sums)[kPixels]) {
#pragma GCC unroll 8
  for (auto& sum : sums) sum = bias;
  for (int i = 0; i < kSide; ++i, plane += row_floats, weight += kSide * kVec) {
    Vec row[kSide];
#pragma GCC unroll 7
    for (int j = 0; j < kSide; ++j) row[j] = _mm256_loadu_ps(weight + j * kVec);
    add_input<0>(plane, row, sums);
  }
}

inline float sum_of(Vec v) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)), pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

/// One pixel to mean 0 and variance 1 over its channels.
void normalize(const Call& call, const float* pixel, std::int64_t at) {
  Vec sum = _mm256_setzero_ps(), squares = sum;
  for (std::int64_t c = 0; c < call.channels; c += kVec) sum = _mm256_add_ps(sum, _mm256_loadu_ps(pixel + c));
  const Vec mean = _mm256_set1_ps(sum_of(sum) / static_cast<float>(call.channels));
  for (std::int64_t c = 0; c < call.channels; c += kVec) {
    const Vec d = _mm256_sub_ps(_mm256_loadu_ps(pixel + c), mean);
    squares = _mm256_fmadd_ps(d, d, squares);
  }
  const float deviation = __builtin_sqrtf(sum_of(squares) / static_cast<float>(call.channels) + call.eps);
  const Vec factor = _mm256_set1_ps(1 / deviation);
  for (std::int64_t c = 0; c < call.channels; c += kVec) {
    const Vec value = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(pixel + c), mean), factor);
    if (call.bf16) store_bf16(static_cast<std::uint16_t*>(call.y) + at + c, value);
    else _mm256_storeu_ps(static_cast<float*>(call.y) + at + c, value);
  }
}

}  // namespace

bool available(std::int64_t channels) { return channels % kVec == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

void pack(const float* weight, std::int64_t channels, float* packed) {
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t k = 0; k < kSide * kSide; ++k) packed[(c / kVec * kSide * kSide + k) * kVec + c % kVec] = weight[c * kSide * kSide + k];
}

std::int64_t bands(const Call& call) { return (call.height + band_rows(call) - 1) / band_rows(call); }

std::int64_t scratch_floats(const Call& call) {
  return (band_rows(call) + 2 * kBorder) * padded_width(call) * kVec + band_rows(call) * call.width * call.channels;
}

void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch) {
  const auto row_floats = padded_width(call) * kVec;
  float* sums_of_band = scratch + (band_rows(call) + 2 * kBorder) * row_floats;
  for (auto band = first; band < last; ++band) {
    const auto top = band * band_rows(call), rows = call.height - top < band_rows(call) ? call.height - top : band_rows(call);
    for (std::int64_t c = 0; c < call.channels; c += kVec) {
      copy_plane(call, c, top - kBorder, rows + 2 * kBorder, scratch);
      const float* weight = call.weight + c * kSide * kSide;
      const Vec bias = _mm256_loadu_ps(call.bias + c);
      for (std::int64_t y = 0; y < rows; ++y)
        for (std::int64_t x = 0; x < call.width; x += kPixels) {
          Vec sums[kPixels];
          sum_pixels(scratch + y * row_floats + x * kVec, row_floats, weight, bias, sums);
          float* to = sums_of_band + (y * call.width + x) * call.channels + c;
          if (call.width - x >= kPixels) {
#pragma GCC unroll 8
            for (int i = 0; i < kPixels; ++i) _mm256_storeu_ps(to + i * call.channels, sums[i]);
          } else {
            for (std::int64_t i = 0; i < call.width - x; ++i) _mm256_storeu_ps(to + i * call.channels, sums[i]);
          }
        }
    }
    for (std::int64_t pixel = 0; pixel < rows * call.width; ++pixel) normalize(call, sums_of_band + pixel * call.channels, (top * call.width + pixel) * call.channels);
  }
}

}  // namespace darkroom::depthwise

#else

namespace darkroom::depthwise {
bool available(std::int64_t) { return false; }
void pack(const float*, std::int64_t, float*) {}
std::int64_t bands(const Call&) { return 0; }
std::int64_t scratch_floats(const Call&) { return 0; }
void run(const Call&, std::int64_t, std::int64_t, float*) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::depthwise

#endif
