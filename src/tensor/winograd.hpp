#pragma once
// Winograd's minimal filtering F(4x4, 3x3) in float32: a quarter of a 3x3 convolution's multiplications.
// Source: Lavin and Gray 2015. The interpolation points 0, +-3/4, +-3/2 (and infinity) are chosen for accuracy: on random
// data the error is 1.8 times that of a plain sum, where the usual 0, +-1, +-2 give 3.8 times; all constants of the two
// data transforms are exact in binary.
//
// Plain pointers only: winograd_avx2.cpp is compiled for AVX2, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::winograd {

constexpr int kPoints = 36;       // 6x6
constexpr int kOutput = 4;        // output pixels of a tile, a side
constexpr int kInput = 6;         // input pixels of a tile, a side
constexpr std::int64_t kLanes = 8;   // float32 in a register; input channels must be a multiple
constexpr std::int64_t kPanel = 16;  // output channels that the product computes at once
/// Tiles that go through the three steps together. Measured on Zen 3 (512 KiB of second-level cache): 24 to 96 differ by 3 %.
constexpr std::int64_t kBlock = 48;

/// A [B,C,H,W] in memory: channels adjacent, the other strides in elements.
struct View {
  float* data;
  std::int64_t image, row, pixel;
};
struct ConstView {
  const float* data;
  std::int64_t image, row, pixel;
};

struct Call {
  ConstView x;
  bool doubled;  ///< each input pixel stands for 2x2
  View y;
  std::int64_t batch, height, width;  ///< of the whole output
  std::int64_t first_row, rows;  ///< what is computed of it; row 0 of `y` and of the residuals is first_row
  std::int64_t x_first_row;      ///< the input's row that row 0 of `x` is; all rows that are needed have to be there
  std::int64_t in, out;
  const float* weight;  ///< packed by pack()
  const float* bias;    ///< padded_out(out) numbers
  const float* slope;   ///< padded_out(out) numbers: factor of negative values (1: no activation)
  int residuals;
  ConstView residual[2];
  float residual_scale[2];
};

constexpr std::int64_t padded_out(std::int64_t out) { return (out + kLanes - 1) / kLanes * kLanes; }
std::int64_t tiles(const Call& call);
/// Floats of scratch that one thread needs.
std::int64_t scratch_floats(std::int64_t in, std::int64_t out);
std::int64_t packed_floats(std::int64_t in, std::int64_t out);
std::int64_t panels(std::int64_t out);
/// Panels [first, last) of `weight` [out,in,3,3] -> [point][panel of outputs][in][outputs of the panel], zeros behind the last output.
/// Threads may take disjoint ranges at once.
void pack(const float* weight, std::int64_t in, std::int64_t out, float* packed, std::int64_t first, std::int64_t last);

/// Does this processor have what run() uses?
bool available();
/// Tiles [first, last) of the call, numbered over batch, rows and columns. Threads may run disjoint ranges at once.
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch);

}  // namespace darkroom::winograd
