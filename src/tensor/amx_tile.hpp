#pragma once
// The matrix product's register tile for AMX: 32 rows x 32 columns in four of eight tiles, bf16 in and float32 out. Only for files that are
// compiled for AVX-512 and AMX and include nothing else that is shared; everything here has internal linkage.

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace darkroom::amx {
namespace {

constexpr int kRows = 32;            ///< of the result: two tiles
constexpr std::int64_t kDepth = 32;  ///< numbers of a tile's row
constexpr std::int64_t kLanes = 16;  ///< columns of a tile of results

/// Whether the processor has tiles for bf16 and the system lets this process use them.
inline bool usable() {
  constexpr unsigned kBf16Bit = 1U << 22, kTileBit = 1U << 24;
  constexpr long kAskForState = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, of Linux's x86 headers
  static const bool there = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kBf16Bit) != 0 && (d & kTileBit) != 0 &&
           syscall(SYS_arch_prctl, kAskForState, kTileData) == 0;
  }();
  return there;
}

/// All tiles of a thread have one shape: 16 rows of 64 bytes. They are the thread's own until it lets go of them.
struct Tiles {
  struct alignas(64) Shapes {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
  Tiles() {
    static constexpr Shapes shapes;  // GCC 12 knows of 8 bytes that are read: of a local it might leave the rest unwritten
    _tile_loadconfig(&shapes);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// c[kRows][16 or 32] = a[kRows][depth] * b, which is packed in pairs of rows. With Accumulate: c is added.
template <int Registers, bool Accumulate>
inline void product(const std::uint16_t* a, std::int64_t a_stride, std::int64_t depth, const std::uint16_t* b, float* c,
                    std::int64_t c_stride) {
  constexpr int kHalf = kRows / 2;
  constexpr std::int64_t kPairs = 2 * kLanes * Registers;  // numbers of a pair of b's rows
  const auto a_bytes = a_stride * 2, b_bytes = kPairs * 2, c_bytes = c_stride * 4;
  const std::uint16_t* lower_a = a + kHalf * a_stride;
  float* lower_c = c + kHalf * c_stride;
  asm volatile("" ::: "memory");  // nor does it know that tiles are loaded from what was just written
  if constexpr (Accumulate) {
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, lower_c, c_bytes);
    if constexpr (Registers == 2) {
      _tile_loadd(2, c + kLanes, c_bytes);
      _tile_loadd(3, lower_c + kLanes, c_bytes);
    }
  } else {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (Registers == 2) {
      _tile_zero(2);
      _tile_zero(3);
    }
  }
  for (std::int64_t k = 0; k < depth; k += kDepth, b += kDepth / 2 * kPairs) {
    _tile_loadd(4, a + k, a_bytes);
    _tile_loadd(5, lower_a + k, a_bytes);
    _tile_loadd(6, b, b_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
    if constexpr (Registers == 2) {
      _tile_loadd(7, b + 2 * kLanes, b_bytes);
      _tile_dpbf16ps(2, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, lower_c, c_bytes);
  if constexpr (Registers == 2) {
    _tile_stored(2, c + kLanes, c_bytes);
    _tile_stored(3, lower_c + kLanes, c_bytes);
  }
}

}  // namespace
}  // namespace darkroom::amx
