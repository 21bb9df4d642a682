// As flash_attention_avx2.cpp, which explains the order of the work, with what bf16 changes: keys and values lie in pairs that one
// instruction multiplies and adds (two channels of a key, one channel of two keys), and a block holds more of them.
// 4096 tokens, 8 heads of 40, two images on two cores of Zen 4: a third of libtorch's time, which goes through float32 products there.
// With AMX tiles of 16 x 32 numbers are multiplied instead; the packed form is one that they can be loaded from.

#include "tensor/flash_attention.hpp"

#if defined(__x86_64__) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512BF16__) && \
    defined(__AMX_BF16__)
#include <immintrin.h>

#include "tensor/amx_tile.hpp"

namespace darkroom::flash {
namespace {

using Vec = __m512;

constexpr std::int64_t kWidest = 512;
constexpr int kRows = 12;                // of the register tile: queries that go through a block together; with AMX they are amx::kRows
constexpr std::int64_t kLanes = 16;      // numbers of a register
constexpr std::int64_t kColumns = 32;    // of the tile: two registers
constexpr std::int64_t kQueries = 384;   // of a task
constexpr std::int64_t kBlock = 8192;    // numbers of a block's keys, and of its values
constexpr float kLog2E = 1.44269504088896340736F;

static_assert(kQueries % kRows == 0 && kQueries % amx::kRows == 0 && kColumns == amx::kDepth);

constexpr std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }
constexpr std::int64_t less(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

/// Values and outputs fill whole registers: zeros behind the head's last channel.
std::int64_t padded_width(std::int64_t width) { return round_up(width, kLanes); }

std::int64_t block_keys(std::int64_t width) {
  const auto keys = (amx::usable() ? 2 : 1) * kBlock / width / kColumns * kColumns;
  return keys < 2 * kColumns ? 2 * kColumns : keys;
}

std::int64_t group_rows() { return amx::usable() ? amx::kRows : kRows; }
/// Channels of a packed key and of a query: zeros fill the last tile.
std::int64_t depth_of(std::int64_t width) { return amx::usable() ? round_up(width, amx::kDepth) : width; }

std::int64_t task_queries(const Call<Bf16>& call) { return call.queries < kQueries ? round_up(call.queries, group_rows()) : kQueries; }
std::int64_t tasks_a_head(const Call<Bf16>& call) { return (call.queries + kQueries - 1) / kQueries; }

/// One head's packed keys and values: block after block, keys before values.
std::int64_t head_numbers(const Call<Bf16>& call) {
  return round_up(call.keys, kColumns) * (depth_of(call.width) + padded_width(call.width));
}

struct Scratch {
  Bf16* q;        // [queries][depth]
  float* scores;  // [rows of a group][keys of a block]; the weights take the first half of each row
  float *out, *maximum, *sum, *end;
  Scratch(const Call<Bf16>& call, float* at) {
    const auto queries = task_queries(call);
    q = reinterpret_cast<Bf16*>(at);
    scores = at + queries * depth_of(call.width) / 2;
    out = scores + group_rows() * block_keys(call.width);
    maximum = out + queries * padded_width(call.width);
    sum = maximum + queries;
    end = sum + queries;
  }
};

/// Keys as panels [kColumns keys][depth / 2][kColumns][2]; zeros behind the last key and its last channel.
void pack_keys(const Bf16* rows, std::int64_t stride, std::int64_t count, std::int64_t width, Bf16* to) {
  const auto depth = depth_of(width);
  for (std::int64_t panel = 0; panel < count; panel += kColumns, to += depth * kColumns) {
    __builtin_memset(to + width * kColumns, 0, static_cast<std::size_t>((depth - width) * kColumns) * sizeof(Bf16));
    for (std::int64_t j = 0; j < kColumns; ++j) {
      const Bf16* row = rows + (panel + j) * stride;
      const bool there = panel + j < count;
      for (std::int64_t c = 0; c < width; c += 2) {
        Bf16* pair = to + c * kColumns + 2 * j;
        pair[0] = there ? row[c] : Bf16{0};
        pair[1] = there ? row[c + 1] : Bf16{0};
      }
    }
  }
}

/// Values as panels [kColumns channels][padded keys / 2][kColumns][2], the last one kLanes wide when that is all that is left.
void pack_values(const Bf16* rows, std::int64_t stride, std::int64_t count, std::int64_t padded, std::int64_t width, Bf16* to) {
  const auto channels = padded_width(width);
  for (std::int64_t c = 0; c < channels; c += kColumns) {
    const auto columns = less(channels - c, kColumns);
    for (std::int64_t j = 0; j < padded; j += 2, to += 2 * columns)
      for (std::int64_t i = 0; i < columns; ++i) {
        const bool there = c + i < width;
        to[2 * i] = there && j < count ? rows[j * stride + c + i] : Bf16{0};
        to[2 * i + 1] = there && j + 1 < count ? rows[(j + 1) * stride + c + i] : Bf16{0};
      }
  }
}

/// Two numbers of a row in every lane.
inline __m512bh pair_of(const Bf16* a) {
  int both;
  __builtin_memcpy(&both, a, sizeof both);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(both));
}

inline __m512bh pairs_at(const Bf16* b) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(b)); }

/// c[kRows][16 * Registers] = a[kRows][depth] * b, which is packed in pairs of rows. With Accumulate: c * scale[row] is added.
template <int Registers, bool Accumulate>
inline void product_tile(const Bf16* a, std::int64_t a_stride, std::int64_t depth, const Bf16* b, float* c, std::int64_t c_stride, const float* scale = nullptr) {
  Vec sums[kRows][Registers];
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int r = 0; r < Registers; ++r) {
      if constexpr (Accumulate) sums[row][r] = _mm512_mul_ps(_mm512_set1_ps(scale[row]), _mm512_loadu_ps(c + row * c_stride + r * kLanes));
      else sums[row][r] = _mm512_setzero_ps();
    }
  for (std::int64_t k = 0; k < depth; k += 2, b += 2 * kLanes * Registers) {
    __m512bh right[Registers];
#pragma GCC unroll 2
    for (int r = 0; r < Registers; ++r) right[r] = pairs_at(b + 2 * kLanes * r);
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      const __m512bh left = pair_of(a + row * a_stride + k);
#pragma GCC unroll 2
      for (int r = 0; r < Registers; ++r) sums[row][r] = _mm512_dpbf16_ps(sums[row][r], left, right[r]);
    }
  }
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int r = 0; r < Registers; ++r) _mm512_storeu_ps(c + row * c_stride + r * kLanes, sums[row][r]);
}

/// 2^x for x <= 0, relative error 8e-5: what follows is rounded to bf16. NaN stays NaN.
inline Vec exp2_negative(Vec x) {
  x = _mm512_max_ps(_mm512_set1_ps(-126.0F), x);  // of an unordered pair the second operand comes out
  const Vec whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(x, whole);
  Vec p = _mm512_fmadd_ps(_mm512_set1_ps(0.055088684F), f, _mm512_set1_ps(0.242604051F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693276242F));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.99992894F));
  return _mm512_scalef_ps(p, whole);
}

/// One query's scores to weights under the running maximum, in place and in bf16. Returns what the output so far has to be multiplied with.
inline float soften(float* scores, std::int64_t keys, float scale, float& maximum, float& sum) {
  Vec top = _mm512_loadu_ps(scores), other = _mm512_loadu_ps(scores + kLanes);  // two chains: each waits for itself
  for (std::int64_t j = 2 * kLanes; j < keys; j += 2 * kLanes) {
    top = _mm512_max_ps(top, _mm512_loadu_ps(scores + j));
    other = _mm512_max_ps(other, _mm512_loadu_ps(scores + j + kLanes));
  }
  const float block = _mm512_reduce_max_ps(_mm512_max_ps(top, other)), next = block > maximum ? block : maximum;
  const float correction = maximum == next ? 1.0F : _mm512_cvtss_f32(exp2_negative(_mm512_set1_ps((maximum - next) * scale)));
  const Vec factor = _mm512_set1_ps(scale), subtract = _mm512_set1_ps(next * scale);
  Vec sums = _mm512_setzero_ps();
  auto* weights = reinterpret_cast<Bf16*>(scores);
  for (std::int64_t j = 0; j < keys; j += 2 * kLanes) {
    const Vec low = exp2_negative(_mm512_fmsub_ps(_mm512_loadu_ps(scores + j), factor, subtract));
    const Vec high = exp2_negative(_mm512_fmsub_ps(_mm512_loadu_ps(scores + j + kLanes), factor, subtract));
    sums = _mm512_add_ps(sums, _mm512_add_ps(low, high));
    _mm512_storeu_si512(weights + j, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
  }
  maximum = next;
  sum = sum * correction + _mm512_reduce_add_ps(sums);
  return correction;
}

/// The weights of a group's queries for one block of keys in place of their scores, and what each output so far has to be multiplied with.
void soften_group(const Call<Bf16>& call, const Scratch& s, std::int64_t group, std::int64_t count, std::int64_t padded,
                  float* corrections) {
  for (std::int64_t row = 0; row < group_rows(); ++row) {
    float* scores = s.scores + row * padded;
    for (std::int64_t j = count; j < padded; ++j) scores[j] = -__builtin_inff();
    corrections[row] = soften(scores, padded, call.scale * kLog2E, s.maximum[group + row], s.sum[group + row]);
  }
}

/// A group of kRows queries through one block of keys.
void group_through_block(const Call<Bf16>& call, const Scratch& s, const Bf16* block, std::int64_t group, std::int64_t count, std::int64_t padded) {
  const auto width = call.width, channels = padded_width(width);
  for (std::int64_t panel = 0; panel < padded; panel += kColumns)
    product_tile<2, false>(s.q + group * width, width, width, block + panel * width, s.scores + panel, padded);
  float corrections[kRows];
  soften_group(call, s, group, count, padded, corrections);
  const auto* weights = reinterpret_cast<const Bf16*>(s.scores);
  const Bf16* values = block + padded * width;
  float* out = s.out + group * channels;
  for (std::int64_t c = 0; c < channels; c += kColumns) {
    if (channels - c < kColumns) {
      product_tile<1, true>(weights, 2 * padded, padded, values, out + c, channels, corrections);
    } else {
      product_tile<2, true>(weights, 2 * padded, padded, values, out + c, channels, corrections);
      values += padded * kColumns;
    }
  }
}

/// A group of amx::kRows queries through one block of keys.
void tiles_through_block(const Call<Bf16>& call, const Scratch& s, const Bf16* block, std::int64_t group, std::int64_t count,
                         std::int64_t padded) {
  const auto depth = depth_of(call.width), channels = padded_width(call.width);
  for (std::int64_t panel = 0; panel < padded; panel += kColumns)
    amx::product<2, false>(s.q + group * depth, depth, depth, block + panel * depth, s.scores + panel, padded);
  float corrections[amx::kRows];
  soften_group(call, s, group, count, padded, corrections);
  float* out = s.out + group * channels;
  for (int row = 0; row < amx::kRows; ++row) {
    if (corrections[row] == 1) continue;
    const Vec factor = _mm512_set1_ps(corrections[row]);
    for (float* at = out + row * channels; at < out + (row + 1) * channels; at += kLanes)
      _mm512_storeu_ps(at, _mm512_mul_ps(factor, _mm512_loadu_ps(at)));
  }
  const auto* weights = reinterpret_cast<const Bf16*>(s.scores);
  const Bf16* values = block + padded * depth;
  for (std::int64_t c = 0; c < channels; c += kColumns) {
    if (channels - c < kColumns) {
      amx::product<1, true>(weights, 2 * padded, padded, values, out + c, channels);
    } else {
      amx::product<2, true>(weights, 2 * padded, padded, values, out + c, channels);
      values += padded * kColumns;
    }
  }
}

void run_task(const Call<Bf16>& call, std::int64_t task, const Scratch& s, decltype(&group_through_block) through_block) {
  const auto per_head = tasks_a_head(call), head = task / per_head % call.heads, image = task / per_head / call.heads, first = task % per_head * kQueries;
  const auto width = call.width, depth = depth_of(width), channels = padded_width(width);
  const auto count = less(call.queries - first, kQueries), rows = group_rows(), padded = round_up(count, rows);
  const Bf16* q = call.q.data + image * call.q.image + first * call.q.row + head * width;
  for (std::int64_t i = 0; i < padded; ++i) {
    const auto there = i < count ? width : 0;
    if (there > 0) __builtin_memcpy(s.q + i * depth, q + i * call.q.row, static_cast<std::size_t>(width) * sizeof(Bf16));
    __builtin_memset(s.q + i * depth + there, 0, static_cast<std::size_t>(depth - there) * sizeof(Bf16));
    s.maximum[i] = -__builtin_inff(), s.sum[i] = 0;
  }
  for (std::int64_t i = 0; i < padded * channels; i += kLanes) _mm512_storeu_ps(s.out + i, _mm512_setzero_ps());

  const auto step = block_keys(width);
  const Bf16* block = call.packed + (image * call.heads + head) * head_numbers(call);
  for (std::int64_t key = 0; key < call.keys; key += step) {
    const auto keys = less(call.keys - key, step), padded_block = round_up(keys, kColumns);
    for (std::int64_t group = 0; group < padded; group += rows) through_block(call, s, block, group, keys, padded_block);
    block += padded_block * (depth + channels);
  }

  Bf16* out = call.out + image * call.out_image + first * call.out_row + head * width;
  for (std::int64_t i = 0; i < count; ++i) {
    const Vec inverse = _mm512_set1_ps(1 / s.sum[i]);
    for (std::int64_t c = 0; c < width; c += kLanes) {
      const auto numbers = _mm512_cvtneps_pbh(_mm512_mul_ps(inverse, _mm512_loadu_ps(s.out + i * channels + c)));
      const auto lanes = static_cast<__mmask16>(width - c < kLanes ? (1U << (width - c)) - 1 : 0xFFFFU);
      _mm256_mask_storeu_epi16(out + i * call.out_row + c, lanes, reinterpret_cast<__m256i>(numbers));
    }
  }
}

}  // namespace

bool available(const Call<Bf16>& call) {
  static const bool processor = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
  return processor && call.width % 2 == 0 && call.width <= kWidest;
}

std::int64_t packed_numbers(const Call<Bf16>& call) { return call.batch * call.heads * head_numbers(call); }
std::int64_t blocks(const Call<Bf16>& call) { return call.batch * ((call.keys + block_keys(call.width) - 1) / block_keys(call.width)); }

void pack(const Call<Bf16>& call, std::int64_t first, std::int64_t last) {
  const auto width = call.width, depth = depth_of(width), channels = padded_width(width), step = block_keys(width),
             per_image = blocks(call) / call.batch;
  for (auto block = first; block < last; ++block) {
    const auto image = block / per_image, key = block % per_image * step, count = less(call.keys - key, step), padded = round_up(count, kColumns);
    const Bf16* k = call.k.data + image * call.k.image + key * call.k.row;
    const Bf16* v = call.v.data + image * call.v.image + key * call.v.row;
    for (std::int64_t head = 0; head < call.heads; ++head) {
      Bf16* to = call.packed + (image * call.heads + head) * head_numbers(call) + key * (depth + channels);
      pack_keys(k + head * width, call.k.row, count, width, to);
      pack_values(v + head * width, call.v.row, count, padded, width, to + padded * depth);
    }
  }
}

std::int64_t tasks(const Call<Bf16>& call) { return call.batch * call.heads * tasks_a_head(call); }
std::int64_t scratch_floats(const Call<Bf16>& call) { return Scratch(call, nullptr).end - static_cast<float*>(nullptr); }

void run(const Call<Bf16>& call, std::int64_t first, std::int64_t last, float* scratch) {
  const Scratch parts(call, scratch);
  if (amx::usable()) {
    const amx::Tiles mine;
    for (auto task = first; task < last; ++task) run_task(call, task, parts, tiles_through_block);
    return;
  }
  for (auto task = first; task < last; ++task) run_task(call, task, parts, group_through_block);
}

}  // namespace darkroom::flash

#else

namespace darkroom::flash {
bool available(const Call<Bf16>&) { return false; }
std::int64_t packed_numbers(const Call<Bf16>&) { return 0; }
std::int64_t blocks(const Call<Bf16>&) { return 0; }
void pack(const Call<Bf16>&, std::int64_t, std::int64_t) {}
std::int64_t tasks(const Call<Bf16>&) { return 0; }
std::int64_t scratch_floats(const Call<Bf16>&) { return 0; }
void run(const Call<Bf16>&, std::int64_t, std::int64_t, float*) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::flash

#endif
