#pragma once
// A 7x7 depthwise convolution and the normalisation of each pixel over its channels behind it, float32, for AVX2: the first half of a
// ConvNeXt block (Liu et al. 2022). A band of rows goes through in planes of 8 channels; then its pixels, still in the cache, are normalised.
//
// Plain pointers only: depthwise_avx2.cpp is compiled for AVX2, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::depthwise {

constexpr std::int64_t kSide = 7;

struct Call {
  const float* x;       ///< [height][width][channels] without gaps
  void* y;              ///< the same, float32 or bf16; may not be x
  bool bf16;            ///< of y
  std::int64_t height, width, channels;
  const float* weight;  ///< packed by pack()
  const float* bias;    ///< [channels]
  float eps;
};

/// Does this processor have what is used, and do the channels fill registers?
bool available(std::int64_t channels);
/// `weight` [channels][7][7] -> [channels / 8][7][7][8], as many numbers.
void pack(const float* weight, std::int64_t channels, float* packed);
/// Bands of rows. Threads may run disjoint ranges at once.
std::int64_t bands(const Call& call);
std::int64_t scratch_floats(const Call& call);  ///< for one thread
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch);

}  // namespace darkroom::depthwise
