#include "tensor/fused_norm.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "tensor/avx2_tile.hpp"

namespace darkroom::fused_norm {
namespace {

constexpr float kLog2E = 1.44269504088896340736F;

std::int64_t chunks_an_image(const Call& call) { return (call.pixels + kChunk - 1) / kChunk; }

struct Range {
  const float* x;
  float* y;
  std::int64_t image, count;
};

Range range_of(const Call& call, std::int64_t chunk) {
  const auto image = chunk / chunks_an_image(call), first = chunk % chunks_an_image(call) * kChunk;
  return {call.x + image * call.x_image + first * call.x_pixel, call.y + (image * call.pixels + first) * call.channels, image, call.pixels - first < kChunk ? call.pixels - first : kChunk};
}

/// v / (1 + e^-v), by powers of 2 with a negative exponent only: no overflow.
inline Vec silu_of(Vec v) {
  const Vec sign = _mm256_set1_ps(-0.0F), one = _mm256_set1_ps(1);
  const Vec e = exp2_negative(_mm256_mul_ps(_mm256_or_ps(v, sign), _mm256_set1_ps(kLog2E)));  // e^-|v|
  const Vec numerator = _mm256_blendv_ps(one, e, v);  // where v is negative
  return _mm256_mul_ps(v, _mm256_div_ps(numerator, _mm256_add_ps(one, e)));
}

}  // namespace

bool available(std::int64_t channels) { return channels % kVec == 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
std::int64_t chunks(const Call& call) { return call.batch * chunks_an_image(call); }
std::int64_t sums_floats(const Call& call) { return chunks(call) * 2 * call.channels; }

/// Sums and sums of squares of each channel's distance to its first pixel of the image: a mean far from 0 then costs no accuracy.
void sum(const Call& call, std::int64_t first, std::int64_t last) {
  for (auto chunk = first; chunk < last; ++chunk) {
    const auto range = range_of(call, chunk);
    const float* pivot = call.x + range.image * call.x_image;
    float* sums = call.sums + chunk * 2 * call.channels;
    for (std::int64_t c = 0; c < call.channels; c += kVec) {
      const Vec zero = _mm256_loadu_ps(pivot + c);
      Vec s = _mm256_setzero_ps(), q = s;
      for (std::int64_t i = 0; i < range.count; ++i) {
        const Vec d = _mm256_sub_ps(_mm256_loadu_ps(range.x + i * call.x_pixel + c), zero);
        s = _mm256_add_ps(s, d);
        q = _mm256_fmadd_ps(d, d, q);
      }
      _mm256_storeu_ps(sums + c, s);
      _mm256_storeu_ps(sums + call.channels + c, q);
    }
  }
}

/// factors: y = x * a + b for each channel of each image.
void finish(const Call& call, std::int64_t first, std::int64_t last) {
  const auto size = call.channels / call.groups, per_image = chunks_an_image(call);
  const double pixels = static_cast<double>(call.pixels);
  for (auto image = first; image < last; ++image) {
    const float* pivot = call.x + image * call.x_image;
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
        const double channel = static_cast<double>(pivot[c]) + (shift ? static_cast<double>(shift[c]) : 0) + s / pixels;
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

void apply(const Call& call, std::int64_t first, std::int64_t last) {
  for (auto chunk = first; chunk < last; ++chunk) {
    const auto range = range_of(call, chunk);
    const float *a = call.factors + range.image * 2 * call.channels, *b = a + call.channels;
    for (std::int64_t i = 0; i < range.count; ++i) {
      const float* x = range.x + i * call.x_pixel;
      float* y = range.y + i * call.channels;
      if (call.silu) {
        for (std::int64_t c = 0; c < call.channels; c += kVec) _mm256_storeu_ps(y + c, silu_of(_mm256_fmadd_ps(_mm256_loadu_ps(x + c), _mm256_loadu_ps(a + c), _mm256_loadu_ps(b + c))));
      } else {
        for (std::int64_t c = 0; c < call.channels; c += kVec) _mm256_storeu_ps(y + c, _mm256_fmadd_ps(_mm256_loadu_ps(x + c), _mm256_loadu_ps(a + c), _mm256_loadu_ps(b + c)));
      }
    }
  }
}

}  // namespace darkroom::fused_norm

#else

namespace darkroom::fused_norm {
bool available(std::int64_t) { return false; }
std::int64_t chunks(const Call&) { return 0; }
std::int64_t sums_floats(const Call&) { return 0; }
void sum(const Call&, std::int64_t, std::int64_t) {}
void finish(const Call&, std::int64_t, std::int64_t) {}
void apply(const Call&, std::int64_t, std::int64_t) { __builtin_trap(); }  // available() is false: never called
}  // namespace darkroom::fused_norm

#endif
