// Keys and values are packed in blocks first, all heads of a token together: a task that gathered its head's channels itself would
// wait for memory a sixth of its time. One task: some hundred queries of one head. Block after block of keys and values (it stays in
// the first-level cache with six rows of scores) is gone through by each group of six queries: scores, running maximum,
// exponentials, sums. What a task keeps between blocks is the unfinished output, a maximum and a sum a query.

#include "tensor/flash_attention.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_tile.hpp"

namespace darkroom::flash {
namespace {

constexpr std::int64_t kWidest = 512;
constexpr std::int64_t kQueries = 384;  // of a task: they and their outputs fit the second-level cache at the usual widths of a head
constexpr float kLog2E = 1.44269504088896340736F;

static_assert(kQueries % kTileRows == 0);

constexpr std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

/// Keys of a block: 20 KiB of them, and as much of values.
std::int64_t block_keys(std::int64_t width) {
  const auto keys = 5120 / width / kTileColumns * kTileColumns;
  return keys < 2 * kTileColumns ? 2 * kTileColumns : keys;
}

std::int64_t task_queries(const Call<float>& call) { return call.queries < kQueries ? round_up(call.queries, kTileRows) : kQueries; }
std::int64_t tasks_a_head(const Call<float>& call) { return (call.queries + kQueries - 1) / kQueries; }

std::int64_t padded_keys(const Call<float>& call) { return round_up(call.keys, kTileColumns); }
/// Floats of one head's packed keys and values: block after block, keys before values.
std::int64_t head_floats(const Call<float>& call) { return 2 * padded_keys(call) * call.width; }

struct Scratch {
  float *q, *scores, *out, *maximum, *sum, *end;
  Scratch(const Call<float>& call, float* at) {
    const auto queries = task_queries(call);
    q = at;
    scores = q + queries * call.width;
    out = scores + kTileRows * block_keys(call.width);
    maximum = out + queries * call.width;
    sum = maximum + queries;
    end = sum + queries;
  }
};

/// Keys [first, first + count) as panels [kTileColumns keys][width][kTileColumns]; zeros behind the last.
void pack_keys(const float* rows, std::int64_t stride, std::int64_t count, std::int64_t width, float* to) {
  for (std::int64_t panel = 0; panel < count; panel += kTileColumns, to += width * kTileColumns)
    for (std::int64_t j = 0; j < kTileColumns; ++j) {
      if (panel + j >= count) {
        for (std::int64_t c = 0; c < width; ++c) to[c * kTileColumns + j] = 0;
        continue;
      }
      const float* row = rows + (panel + j) * stride;
      for (std::int64_t c = 0; c < width; ++c) to[c * kTileColumns + j] = row[c];
    }
}

/// Values as panels [kTileColumns channels][padded keys][kTileColumns], the last one kVec wide when that is all that is left.
void pack_values(const float* rows, std::int64_t stride, std::int64_t count, std::int64_t padded, std::int64_t width, float* to) {
  for (std::int64_t c = 0; c < width; c += kTileColumns) {
    const auto columns = width - c < kTileColumns ? kVec : kTileColumns;
    for (std::int64_t j = 0; j < padded; ++j, to += columns)
      for (std::int64_t half = 0; half < columns; half += kVec)
        _mm256_storeu_ps(to + half, j < count ? _mm256_loadu_ps(rows + j * stride + c + half) : _mm256_setzero_ps());
  }
}

inline float largest(Vec v) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

inline float total(Vec v) {
  __m128 m = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_add_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_add_ss(m, _mm_movehdup_ps(m)));
}

/// One query's scores to exponentials under the running maximum. Returns what the output so far has to be multiplied with.
inline float soften(float* scores, std::int64_t keys, float& maximum, float& sum) {
  Vec top = _mm256_loadu_ps(scores);
  for (std::int64_t j = kVec; j < keys; j += kVec) top = _mm256_max_ps(top, _mm256_loadu_ps(scores + j));
  const float block = largest(top), next = block > maximum ? block : maximum;
  const float correction = maximum == next ? 1.0F : _mm256_cvtss_f32(exp2_negative(_mm256_set1_ps(maximum - next)));
  const Vec subtract = _mm256_set1_ps(next);
  Vec sums = _mm256_setzero_ps();
  for (std::int64_t j = 0; j < keys; j += kVec) {
    const Vec p = exp2_negative(_mm256_sub_ps(_mm256_loadu_ps(scores + j), subtract));
    _mm256_storeu_ps(scores + j, p);
    sums = _mm256_add_ps(sums, p);
  }
  maximum = next;
  sum = sum * correction + total(sums);
  return correction;
}

/// A group of six queries through one block of keys.
void group_through_block(const Call<float>& call, const Scratch& s, const float* block, std::int64_t group, std::int64_t count, std::int64_t padded) {
  const auto width = call.width;
  for (std::int64_t panel = 0; panel < padded; panel += kTileColumns)
    product_tile_16(s.q + group * width, width, width, block + panel * width, s.scores + panel, padded);
  for (std::int64_t j = count; j < padded; ++j)
    for (int row = 0; row < kTileRows; ++row) s.scores[row * padded + j] = -__builtin_inff();
  float corrections[kTileRows];
  for (int row = 0; row < kTileRows; ++row) corrections[row] = soften(s.scores + row * padded, padded, s.maximum[group + row], s.sum[group + row]);
  const float* values = block + padded * width;
  float* out = s.out + group * width;
  for (std::int64_t c = 0; c < width; c += kTileColumns) {
    if (width - c < kTileColumns) {
      product_tile_8<true>(s.scores, padded, padded, values, out + c, width, corrections);
    } else {
      product_tile_16<true>(s.scores, padded, padded, values, out + c, width, corrections);
      values += padded * kTileColumns;
    }
  }
}

void run_task(const Call<float>& call, std::int64_t task, const Scratch& s) {
  const auto per_head = tasks_a_head(call), head = task / per_head % call.heads, image = task / per_head / call.heads, first = task % per_head * kQueries;
  const auto width = call.width, count = call.queries - first < kQueries ? call.queries - first : kQueries, padded = round_up(count, kTileRows);
  const float* q = call.q.data + image * call.q.image + first * call.q.row + head * width;

  const Vec scale = _mm256_set1_ps(call.scale * kLog2E);  // exponentials are powers of two
  for (std::int64_t i = 0; i < padded; ++i)
    for (std::int64_t c = 0; c < width; c += kVec) {
      _mm256_storeu_ps(s.q + i * width + c, i < count ? _mm256_mul_ps(scale, _mm256_loadu_ps(q + i * call.q.row + c)) : _mm256_setzero_ps());
      _mm256_storeu_ps(s.out + i * width + c, _mm256_setzero_ps());
    }
  for (std::int64_t i = 0; i < padded; ++i) s.maximum[i] = -__builtin_inff(), s.sum[i] = 0;

  const auto step = block_keys(width);
  const float* block = call.packed + (image * call.heads + head) * head_floats(call);
  for (std::int64_t key = 0; key < call.keys; key += step) {
    const auto keys = call.keys - key < step ? call.keys - key : step, padded_block = round_up(keys, kTileColumns);
    for (std::int64_t group = 0; group < padded; group += kTileRows) group_through_block(call, s, block, group, keys, padded_block);
    block += 2 * padded_block * width;
  }

  float* out = call.out + image * call.out_image + first * call.out_row + head * width;
  for (std::int64_t i = 0; i < count; ++i) {
    const Vec inverse = _mm256_set1_ps(1 / s.sum[i]);
    for (std::int64_t c = 0; c < width; c += kVec) _mm256_storeu_ps(out + i * call.out_row + c, _mm256_mul_ps(inverse, _mm256_loadu_ps(s.out + i * width + c)));
  }
}

}  // namespace

bool available(const Call<float>& call) { return call.width % kVec == 0 && call.width <= kWidest && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
std::int64_t packed_numbers(const Call<float>& call) { return call.batch * call.heads * head_floats(call); }
std::int64_t blocks(const Call<float>& call) { return call.batch * ((call.keys + block_keys(call.width) - 1) / block_keys(call.width)); }

void pack(const Call<float>& call, std::int64_t first, std::int64_t last) {
  const auto width = call.width, step = block_keys(width), per_image = blocks(call) / call.batch;
  for (auto block = first; block < last; ++block) {
    const auto image = block / per_image, key = block % per_image * step, count = call.keys - key < step ? call.keys - key : step, padded = round_up(count, kTileColumns);
    const float* k = call.k.data + image * call.k.image + key * call.k.row;
    const float* v = call.v.data + image * call.v.image + key * call.v.row;
    for (std::int64_t head = 0; head < call.heads; ++head) {
      float* to = call.packed + (image * call.heads + head) * head_floats(call) + 2 * key * width;
      pack_keys(k + head * width, call.k.row, count, width, to);
      pack_values(v + head * width, call.v.row, count, padded, width, to + padded * width);
    }
  }
}

std::int64_t tasks(const Call<float>& call) { return call.batch * call.heads * tasks_a_head(call); }
std::int64_t scratch_floats(const Call<float>& call) { return Scratch(call, nullptr).end - static_cast<float*>(nullptr); }

void run(const Call<float>& call, std::int64_t first, std::int64_t last, float* scratch) {
  const Scratch parts(call, scratch);
  for (auto task = first; task < last; ++task) run_task(call, task, parts);
}

}  // namespace darkroom::flash

#else

namespace darkroom::flash {
bool available(const Call<float>&) { return false; }
std::int64_t packed_numbers(const Call<float>&) { return 0; }
std::int64_t blocks(const Call<float>&) { return 0; }
void pack(const Call<float>&, std::int64_t, std::int64_t) {}
std::int64_t tasks(const Call<float>&) { return 0; }
std::int64_t scratch_floats(const Call<float>&) { return 0; }
void run(const Call<float>&, std::int64_t, std::int64_t, float*) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::flash

#endif
