#pragma once
// Winograd's minimal filtering F(4x4, 3x3) in float32: a quarter of a 3x3 convolution's multiplications.
// Source: Lavin and Gray 2015. The interpolation points 0, +-3/4, +-3/2 (and infinity) are chosen for accuracy: on random
// data the error is 1.8 times that of a plain sum, where the usual 0, +-1, +-2 give 3.8 times; all constants of the two
// data transforms are exact in binary.
//
// Plain pointers only: winograd_avx2.cpp and winograd_avx512.cpp are compiled for their processors, and no inline function of a shared
// header may get in there but those of this one, which have internal linkage.

#include <cstdint>

namespace darkroom::winograd {

constexpr int kPoints = 36;       // 6x6
constexpr int kOutput = 4;        // output pixels of a tile, a side
constexpr int kInput = 6;         // input pixels of a tile, a side
constexpr std::int64_t kLanes = 8;   // float32 in a register; input channels must be a multiple
constexpr std::int64_t kPanel = 16;  // output channels that the product computes at once
constexpr std::int64_t kGroup = 6;   ///< tiles whose points lie together: the rows of AVX2's register tile

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

static constexpr std::int64_t padded_out(std::int64_t out) { return (out + kLanes - 1) / kLanes * kLanes; }

// Both intermediate arrays are [group of kGroup tiles][point][tile][channel]: a tile's 36 stores stay within a few pages. A line of the
// cache lies between points, so that the 36 streams don't share sets of it.
static constexpr std::int64_t point_stride(std::int64_t channels) { return kGroup * channels + 16; }
static constexpr std::int64_t group_stride(std::int64_t channels) { return kPoints * point_stride(channels); }
static constexpr std::int64_t place_in(std::int64_t tile, std::int64_t channels) {
  return tile / kGroup * group_stride(channels) + tile % kGroup * channels;
}

std::int64_t tiles(const Call& call);

constexpr std::int64_t kSmallBlock = 4 * kGroup, kLargeBlock = 8 * kGroup;
constexpr std::int64_t kManyWeights = 2 << 20;  // packed, floats: more than the caches of a core and a good part of the last one
/// Tiles that go through the three steps together. What is between the steps should stay in the second-level cache (Zen 4, 1 MiB: with the
/// small block RRDBNet takes 0.92 of its time with the large one); where the weights themselves don't, fewer passes over them count more.
static constexpr std::int64_t block_tiles(std::int64_t in, std::int64_t out) {
  return kPoints * in * padded_out(out) > kManyWeights ? kLargeBlock : kSmallBlock;
}
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

// What run() chooses from.
namespace avx2 {
bool available();
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch);
}  // namespace avx2
namespace avx512 {
bool available();
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch);
}  // namespace avx512

}  // namespace darkroom::winograd
