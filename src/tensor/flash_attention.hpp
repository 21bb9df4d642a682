#pragma once
// Attention in blocks of queries and keys (Dao et al. 2022; the running maximum of Milakov & Gimelshein 2018), float32, for AVX2.
//
// Plain pointers only: flash_attention_avx2.cpp is compiled for AVX2, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::flash {

/// Rows of a head's channels, which are adjacent; head h begins `h * width` floats into a row.
struct ConstRows {
  const float* data;
  std::int64_t image, row;  ///< strides in floats
};

struct Call {
  ConstRows q, k, v;
  float* out;  ///< may not overlap the inputs
  std::int64_t out_image, out_row;
  std::int64_t batch, heads, queries, keys;
  std::int64_t width;  ///< of a head
  float scale;         ///< of the scores
  float* packed;       ///< packed_floats() of room, filled by pack()
};

/// Does this processor have what run() uses, and does a head of this width fit?
bool available(std::int64_t width);
std::int64_t packed_floats(const Call& call);
/// Blocks of keys and values that pack() copies; all have to be there before run(). Threads may take disjoint ranges at once.
std::int64_t blocks(const Call& call);
void pack(const Call& call, std::int64_t first, std::int64_t last);
/// Tasks that a call falls into: each is a range of queries of one head of one image. Threads may take disjoint ranges at once.
std::int64_t tasks(const Call& call);
std::int64_t scratch_floats(const Call& call);  ///< for one thread
void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch);

}  // namespace darkroom::flash
