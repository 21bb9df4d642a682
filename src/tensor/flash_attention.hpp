#pragma once
// Attention in blocks of queries and keys (Dao et al. 2022; the running maximum of Milakov & Gimelshein 2018): float32 for AVX2, bf16
// for AVX-512 with products of bf16 pairs, or of tiles (AMX).
//
// Plain pointers only: the kernels are compiled for their processors, and no inline function of a shared header may get in there.

#include <cstdint>

namespace darkroom::flash {

using Bf16 = std::uint16_t;  ///< its bits

/// Rows of a head's channels, which are adjacent; head h begins `h * width` numbers into a row.
template <class Number>
struct ConstRows {
  const Number* data;
  std::int64_t image, row;  ///< strides in numbers
};

template <class Number>
struct Call {
  ConstRows<Number> q, k, v;
  Number* out;  ///< may not overlap the inputs
  std::int64_t out_image, out_row;
  std::int64_t batch, heads, queries, keys;
  std::int64_t width;  ///< of a head
  float scale;         ///< of the scores
  Number* packed;      ///< packed_numbers() of room, filled by pack()
};

/// Does this processor have what run() uses, and do heads of this width fit? `packed` may be missing.
bool available(const Call<float>& call);
std::int64_t packed_numbers(const Call<float>& call);
/// Blocks of keys and values that pack() copies; all have to be there before run(). Threads may take disjoint ranges at once.
std::int64_t blocks(const Call<float>& call);
void pack(const Call<float>& call, std::int64_t first, std::int64_t last);
/// Tasks that a call falls into: each is a range of queries of one head of one image. Threads may take disjoint ranges at once.
std::int64_t tasks(const Call<float>& call);
std::int64_t scratch_floats(const Call<float>& call);  ///< for one thread
void run(const Call<float>& call, std::int64_t first, std::int64_t last, float* scratch);

// The same in bf16.
bool available(const Call<Bf16>& call);
std::int64_t packed_numbers(const Call<Bf16>& call);
std::int64_t blocks(const Call<Bf16>& call);
void pack(const Call<Bf16>& call, std::int64_t first, std::int64_t last);
std::int64_t tasks(const Call<Bf16>& call);
std::int64_t scratch_floats(const Call<Bf16>& call);
void run(const Call<Bf16>& call, std::int64_t first, std::int64_t last, float* scratch);

}  // namespace darkroom::flash
