#include "tensor/pixel_shuffle.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_bf16.hpp"

namespace darkroom::shuffle {
namespace {

using Vec = __m256;
constexpr std::int64_t kVec = 8;

/// The channels of a place of the enlarged picture.
template <class Number>
const Number* place(const Blur<Number>& call, std::int64_t y, std::int64_t x) {
  const auto pixel = y / call.factor * call.width + x / call.factor;
  return call.x + ((pixel * call.factor + y % call.factor) * call.factor + x % call.factor) * call.channels;
}

template <class Number>
inline Vec positive(const Number* from) {
  return _mm256_max_ps(load_floats(from), _mm256_setzero_ps());
}

template <class Number>
void blur_rows(const Blur<Number>& call, std::int64_t first, std::int64_t last) {
  const Vec quarter = _mm256_set1_ps(0.25F);
  const auto width = call.width * call.factor;
  for (auto y = first; y < last; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const auto above = y > 0 ? y - 1 : 0, left = x > 0 ? x - 1 : 0;
      const Number *a = place(call, above, left), *b = place(call, above, x), *c = place(call, y, left), *d = place(call, y, x);
      Number* to = call.y + (y * width + x) * call.y_pixel;
      for (std::int64_t i = 0; i < call.channels; i += kVec) {
        const Vec sum = _mm256_add_ps(_mm256_add_ps(positive(a + i), positive(b + i)), _mm256_add_ps(positive(c + i), positive(d + i)));
        store_floats(to + i, _mm256_mul_ps(sum, quarter));
      }
    }
}

inline float sum_of(Vec v) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)), pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
}

template <class Number>
void project_pixels(const Project<Number>& call, std::int64_t first, std::int64_t last) {
  const float *one = call.vectors, *two = call.vectors + call.channels;
  const Number* x = call.x + first * call.places * call.channels;
  float* y = call.y + first * call.places * 2;
  for (auto i = (last - first) * call.places; i > 0; --i, x += call.channels, y += 2) {
    Vec a = _mm256_setzero_ps(), b = a;
    for (std::int64_t c = 0; c < call.channels; c += kVec) {
      const Vec value = positive(x + c);
      a = _mm256_fmadd_ps(value, _mm256_loadu_ps(one + c), a);
      b = _mm256_fmadd_ps(value, _mm256_loadu_ps(two + c), b);
    }
    y[0] = sum_of(a), y[1] = sum_of(b);
  }
}

}  // namespace

void run(const Blur<float>& call, std::int64_t first, std::int64_t last) { blur_rows(call, first, last); }
void run(const Blur<Bf16>& call, std::int64_t first, std::int64_t last) { blur_rows(call, first, last); }
void run(const Project<float>& call, std::int64_t first, std::int64_t last) { project_pixels(call, first, last); }
void run(const Project<Bf16>& call, std::int64_t first, std::int64_t last) { project_pixels(call, first, last); }
bool available(std::int64_t channels) { return channels % kVec == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace darkroom::shuffle

#else

namespace darkroom::shuffle {
// available() is false: none is called.
void run(const Blur<float>&, std::int64_t, std::int64_t) { __builtin_trap(); }
void run(const Blur<Bf16>&, std::int64_t, std::int64_t) { __builtin_trap(); }
void run(const Project<float>&, std::int64_t, std::int64_t) { __builtin_trap(); }
void run(const Project<Bf16>&, std::int64_t, std::int64_t) { __builtin_trap(); }
bool available(std::int64_t) { return false; }
}  // namespace darkroom::shuffle

#endif
