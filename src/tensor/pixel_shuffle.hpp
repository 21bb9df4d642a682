#pragma once
// Pixel shuffles (Shi et al. 2016) whose result is blurred, or not wanted as a whole, straight from the layer before them, for AVX2.
//
// What comes in has been through a layer whose outputs are sorted: row by row of the enlarged pixel's factor x factor places, then by
// channel. ReLU is applied while reading.
//
// Plain pointers only: pixel_shuffle_avx2.cpp is compiled for AVX2, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::shuffle {

using Bf16 = std::uint16_t;  ///< its bits

/// Each output pixel is the mean of its place, the ones left and above, and the one left above (Sugawara et al. 2018); the edge is repeated.
template <class Number>
struct Blur {
  const Number* x;  ///< [height][width][factor][factor][channels]
  Number* y;        ///< [height * factor][width * factor], pixels `y_pixel` numbers apart
  std::int64_t y_pixel, height, width, factor, channels;
};

/// Rows [first, last) of the output. Threads may run disjoint ranges at once.
void run(const Blur<float>& call, std::int64_t first, std::int64_t last);
void run(const Blur<Bf16>& call, std::int64_t first, std::int64_t last);

/// For each place of each pixel the products of its channels with two vectors.
template <class Number>
struct Project {
  const Number* x;      ///< [pixels][places][channels]
  const float* vectors;  ///< [2][channels]
  float* y;             ///< [pixels][places][2]
  std::int64_t places, channels;
};

/// Pixels [first, last). Threads may run disjoint ranges at once.
void run(const Project<float>& call, std::int64_t first, std::int64_t last);
void run(const Project<Bf16>& call, std::int64_t first, std::int64_t last);

/// Does this processor have what is used, and do the channels fill registers?
bool available(std::int64_t channels);

}  // namespace darkroom::shuffle
