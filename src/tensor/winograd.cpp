#include "tensor/winograd.hpp"

namespace darkroom::winograd {
namespace {

constexpr double kA = 0.75, kB = 1.5;  // the points +-a, +-b
constexpr double kNormA = 2 * kA * kA * (kA * kA - kB * kB), kNormB = 2 * kB * kB * (kB * kB - kA * kA);
constexpr double kFilter[kInput][3] = {
    {1 / (kA * kA * kB * kB), 0, 0},
    {1 / kNormA, kA / kNormA, kA * kA / kNormA},
    {1 / kNormA, -kA / kNormA, kA * kA / kNormA},
    {1 / kNormB, kB / kNormB, kB * kB / kNormB},
    {1 / kNormB, -kB / kNormB, kB * kB / kNormB},
    {0, 0, 1},
};

}  // namespace

std::int64_t tiles(const Call& call) {
  return call.batch * ((call.rows + kOutput - 1) / kOutput) * ((call.width + kOutput - 1) / kOutput);
}

std::int64_t scratch_floats(std::int64_t in, std::int64_t out) {
  return block_tiles(in, out) / kGroup * (group_stride(in) + group_stride(padded_out(out))) + in;
}

std::int64_t packed_floats(std::int64_t in, std::int64_t out) { return kPoints * in * padded_out(out); }

std::int64_t panels(std::int64_t out) { return (padded_out(out) + kPanel - 1) / kPanel; }

void pack(const float* weight, std::int64_t in, std::int64_t out, float* packed, std::int64_t first, std::int64_t last) {
  const auto padded = padded_out(out);
  for (auto number = first; number < last; ++number) {
    // The last panel is kLanes wide when that is all that is left. Its outputs are written side by side: a line of the cache at a time.
    const auto panel = number * kPanel, panel_width = padded - panel < kPanel ? kLanes : kPanel;
    for (std::int64_t i = 0; i < in; ++i)
      for (auto o = panel; o < panel + panel_width; ++o) {
        double rows[kInput][3] = {};
        if (o < out)
          for (int p = 0; p < kInput; ++p)
            for (int x = 0; x < 3; ++x)
              for (int y = 0; y < 3; ++y) rows[p][x] += kFilter[p][y] * weight[((o * in + i) * 3 + y) * 3 + x];
        for (int p = 0; p < kInput; ++p)
          for (int q = 0; q < kInput; ++q) {
            double sum = 0;
            for (int x = 0; x < 3; ++x) sum += kFilter[q][x] * rows[p][x];
            packed[(p * kInput + q) * in * padded + panel * in + i * panel_width + (o - panel)] = static_cast<float>(sum);
          }
      }
  }
}

bool available() { return avx512::available() || avx2::available(); }

void run(const Call& call, std::int64_t first, std::int64_t last, float* scratch) {
  static const auto best = avx512::available() ? avx512::run : avx2::run;
  best(call, first, last, scratch);
}

}  // namespace darkroom::winograd
