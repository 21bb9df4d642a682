#pragma once
// A 3x3 depthwise convolution whose two halves of channels are multiplied with each other, for AVX2: the middle of a NAFNet block
// (Chen et al. 2022, "SimpleGate"). Neither half is ever in memory.
//
// Plain pointers only: gated_depthwise_avx2.cpp is compiled for AVX2, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::gated_depthwise {

constexpr std::int64_t kSide = 3;
constexpr std::int64_t kBandRows = 8;

using Bf16 = std::uint16_t;  ///< its bits

template <class Number>
struct Call {
  const Number* x;  ///< [height][width][2 * channels] without gaps
  Number* y;        ///< [height][width][channels]
  float* sums;      ///< [bands][channels]: of y before it is rounded, over a band's pixels
  std::int64_t height, width, channels;
  const float* weight;  ///< packed by pack()
  const float* bias;    ///< [2 * channels]
};

/// Does this processor have what is used, and do the channels (of y) fill registers?
bool available(std::int64_t channels);
/// `weight` [2 * channels][3][3] -> [2 * channels / 8][3][3][8], as many numbers.
void pack(const float* weight, std::int64_t channels, float* packed);
inline std::int64_t bands(std::int64_t height) { return (height + kBandRows - 1) / kBandRows; }
/// Bands [first, last) of kBandRows rows. Threads may run disjoint ranges at once.
void run(const Call<float>& call, std::int64_t first, std::int64_t last);
void run(const Call<Bf16>& call, std::int64_t first, std::int64_t last);

}  // namespace darkroom::gated_depthwise
