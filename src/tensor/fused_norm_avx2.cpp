#include "tensor/fused_norm.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_bf16.hpp"
#include "tensor/avx2_tile.hpp"

namespace darkroom::fused_norm {
namespace {

constexpr float kLog2E = 1.44269504088896340736F;

template <class Number>
std::int64_t chunks_an_image(const Call<Number>& call) {
  return (call.pixels + kChunk - 1) / kChunk;
}

template <class Number>
struct Range {
  const Number* x;
  Number* y;
  std::int64_t image, count;
};

template <class Number>
Range<Number> range_of(const Call<Number>& call, std::int64_t chunk) {
  const auto image = chunk / chunks_an_image(call), first = chunk % chunks_an_image(call) * kChunk;
  return {call.x + image * call.x_image + first * call.x_pixel, call.y + (image * call.pixels + first) * call.channels, image, call.pixels - first < kChunk ? call.pixels - first : kChunk};
}

inline float float_of(float number) { return number; }
inline float float_of(std::uint16_t bits) {
  const auto wide = static_cast<std::uint32_t>(bits) << 16;
  float number;
  __builtin_memcpy(&number, &wide, sizeof number);
  return number;
}

/// v / (1 + e^-v), by powers of 2 with a negative exponent only: no overflow.
inline Vec silu_of(Vec v, float) {
  const Vec sign = _mm256_set1_ps(-0.0F), one = _mm256_set1_ps(1);
  const Vec e = exp2_negative(_mm256_mul_ps(_mm256_or_ps(v, sign), _mm256_set1_ps(kLog2E)));  // e^-|v|
  const Vec numerator = _mm256_blendv_ps(one, e, v);  // where v is negative
  return _mm256_mul_ps(v, _mm256_div_ps(numerator, _mm256_add_ps(one, e)));
}

/// The same for what is rounded to bf16 next (2e-3): relative error 5e-4 above -87, by a cubic and the processor's reciprocal.
inline Vec silu_of(Vec v, std::uint16_t) {
  const Vec limit = _mm256_set1_ps(126);
  Vec x = _mm256_mul_ps(v, _mm256_set1_ps(-kLog2E));
  x = _mm256_max_ps(_mm256_min_ps(x, limit), _mm256_sub_ps(_mm256_setzero_ps(), limit));
  const Vec whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm256_sub_ps(x, whole);
  Vec p = _mm256_fmadd_ps(_mm256_set1_ps(0.055088684F), f, _mm256_set1_ps(0.242604051F));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.693276242F));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(0.99992894F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
  const Vec e = _mm256_mul_ps(p, _mm256_castsi256_ps(exponent));  // e^-v
  return _mm256_mul_ps(v, _mm256_rcp_ps(_mm256_add_ps(_mm256_set1_ps(1), e)));
}

}  // namespace

bool available(std::int64_t channels) { return channels % kVec == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
template <class Number>
std::int64_t chunks(const Call<Number>& call) {
  return call.batch * chunks_an_image(call);
}
template <class Number>
std::int64_t sums_floats(const Call<Number>& call) {
  return chunks(call) * 2 * call.channels;
}

/// Sums and sums of squares of each channel's distance to its first pixel of the image: a mean far from 0 then costs no accuracy.
template <class Number>
void sum(const Call<Number>& call, std::int64_t first, std::int64_t last) {
  for (auto chunk = first; chunk < last; ++chunk) {
    const auto range = range_of(call, chunk);
    const Number* pivot = call.x + range.image * call.x_image;
    float* sums = call.sums + chunk * 2 * call.channels;
    for (std::int64_t c = 0; c < call.channels; c += kVec) {
      const Vec zero = load_floats(pivot + c);
      Vec s = _mm256_setzero_ps(), q = s;
      for (std::int64_t i = 0; i < range.count; ++i) {
        const Vec d = _mm256_sub_ps(load_floats(range.x + i * call.x_pixel + c), zero);
        s = _mm256_add_ps(s, d);
        q = _mm256_fmadd_ps(d, d, q);
      }
      _mm256_storeu_ps(sums + c, s);
      _mm256_storeu_ps(sums + call.channels + c, q);
    }
  }
}

/// factors: y = x * a + b for each channel of each image.
template <class Number>
void finish(const Call<Number>& call, std::int64_t first, std::int64_t last) {
  const auto size = call.channels / call.groups, per_image = chunks_an_image(call);
  const double pixels = static_cast<double>(call.pixels);
  for (auto image = first; image < last; ++image) {
    const Number* pivot = call.x + image * call.x_image;
    const float* shift = call.shift ? call.shift + image * call.shift_image : nullptr;
    float *a = call.factors + image * 2 * call.channels, *b = a + call.channels;
    for (std::int64_t group = 0; group < call.groups; ++group) {
      // Channel means and their spread, then those of the group (Chan et al. 1979).
      double mean = 0, spread = 0, mean_squares = 0;
      for (auto c = group * size; c < (group + 1) * size; ++c) {
        double s = 0, q = 0;
        for (std::int64_t chunk = image * per_image; chunk < (image + 1) * per_image; ++chunk) {
          s += static_cast<double>(call.sums[chunk * 2 * call.channels + c]);
          q += static_cast<double>(call.sums[(chunk * 2 + 1) * call.channels + c]);
        }
        const double channel = static_cast<double>(float_of(pivot[c])) + (shift ? static_cast<double>(shift[c]) : 0) + s / pixels;
        const double before = channel - mean, members = static_cast<double>(c - group * size + 1);
        mean += before / members;
        mean_squares += before * (channel - mean);
        spread += q - s * s / pixels;
      }
      const double variance = (spread + pixels * mean_squares) / (pixels * static_cast<double>(size));
      const double scale = 1 / __builtin_sqrt(variance + static_cast<double>(call.eps));
      for (auto c = group * size; c < (group + 1) * size; ++c) {
        const double factor = scale * static_cast<double>(call.weight[c]);
        a[c] = static_cast<float>(factor);
        b[c] = static_cast<float>(static_cast<double>(call.bias[c]) + factor * ((shift ? static_cast<double>(shift[c]) : 0) - mean));
      }
    }
  }
}

template <class Number>
void apply(const Call<Number>& call, std::int64_t first, std::int64_t last) {
  for (auto chunk = first; chunk < last; ++chunk) {
    const auto range = range_of(call, chunk);
    const float *a = call.factors + range.image * 2 * call.channels, *b = a + call.channels;
    for (std::int64_t i = 0; i < range.count; ++i) {
      const Number* x = range.x + i * call.x_pixel;
      Number* y = range.y + i * call.channels;
      const auto scaled = [&](std::int64_t c) {
        return _mm256_fmadd_ps(load_floats(x + c), _mm256_loadu_ps(a + c), _mm256_loadu_ps(b + c));
      };
      if (call.silu) {
        for (std::int64_t c = 0; c < call.channels; c += kVec) store_floats(y + c, silu_of(scaled(c), Number{}));
      } else {
        for (std::int64_t c = 0; c < call.channels; c += kVec) store_floats(y + c, scaled(c));
      }
    }
  }
}

}  // namespace darkroom::fused_norm

#else

namespace darkroom::fused_norm {
bool available(std::int64_t) { return false; }
template <class Number>
std::int64_t chunks(const Call<Number>&) {
  return 0;
}
template <class Number>
std::int64_t sums_floats(const Call<Number>&) {
  return 0;
}
template <class Number>
void sum(const Call<Number>&, std::int64_t, std::int64_t) {}
template <class Number>
void finish(const Call<Number>&, std::int64_t, std::int64_t) {}
template <class Number>
void apply(const Call<Number>&, std::int64_t, std::int64_t) {
  __builtin_trap();  // available() is false: never called
}
}  // namespace darkroom::fused_norm

#endif

namespace darkroom::fused_norm {
template std::int64_t chunks(const Call<float>&);
template std::int64_t sums_floats(const Call<float>&);
template void sum(const Call<float>&, std::int64_t, std::int64_t);
template void finish(const Call<float>&, std::int64_t, std::int64_t);
template void apply(const Call<float>&, std::int64_t, std::int64_t);
template std::int64_t chunks(const Call<std::uint16_t>&);
template std::int64_t sums_floats(const Call<std::uint16_t>&);
template void sum(const Call<std::uint16_t>&, std::int64_t, std::int64_t);
template void finish(const Call<std::uint16_t>&, std::int64_t, std::int64_t);
template void apply(const Call<std::uint16_t>&, std::int64_t, std::int64_t);
}  // namespace darkroom::fused_norm
