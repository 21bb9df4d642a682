#pragma once
// GroupNorm with SiLU in two passes over channels-last memory, float32 or bf16, for AVX2: one reads for the statistics, one writes.
//
// Plain pointers only: fused_norm_avx2.cpp is compiled for AVX2, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::fused_norm {

/// Pixels whose sums are taken together. Fixed, so that the result does not depend on the number of threads.
constexpr std::int64_t kChunk = 128;

/// Number: float, or std::uint16_t for the bits of a bf16. Everything but the picture is float32.
template <class Number>
struct Call {
  const Number* x;                ///< channels adjacent
  std::int64_t x_image, x_pixel;  ///< strides in numbers
  Number* y;                      ///< [batch][pixels][channels] without gaps; may be x
  std::int64_t batch, pixels, channels, groups;
  const float *weight, *bias;   ///< [channels]
  const float* shift;           ///< added to x first, or null
  std::int64_t shift_image;     ///< stride of shift in floats
  float eps;
  bool silu;
  float* sums;     ///< room for sums_floats()
  float* factors;  ///< room for 2 * batch * channels
};

/// Does this processor have what is used, and do the channels fill registers?
bool available(std::int64_t channels);
template <class Number>
std::int64_t sums_floats(const Call<Number>& call);
/// Chunks of pixels, over all images.
template <class Number>
std::int64_t chunks(const Call<Number>& call);
/// The three steps. Threads may take disjoint ranges of chunks (sum, apply) or images (finish) at once; each step needs the whole one before.
template <class Number>
void sum(const Call<Number>& call, std::int64_t first, std::int64_t last);
template <class Number>
void finish(const Call<Number>& call, std::int64_t first, std::int64_t last);
template <class Number>
void apply(const Call<Number>& call, std::int64_t first, std::int64_t last);

}  // namespace darkroom::fused_norm
