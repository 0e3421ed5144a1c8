// x86-64: AVX-512, else AVX2 with FMA. 24 (AVX2: 12) accumulators cover the
// latency of 4 to 6 cycles of two units, and leave registers for the operands.
// The operands are not 0: a processor at rest would run at a higher clock.

#include "tools/ag-bench/PeakLoops.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <cstdint>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

namespace attn_grid::bench {

static const float factorsF32[2] = {0.999f, 0.5f};
static const double factorsF64[2] = {0.999, 0.5};

#define AG_ZMM_CLOBBERS                                                        \
  "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8",      \
      "zmm9", "zmm10", "zmm11", "zmm12", "zmm13", "zmm14", "zmm15", "zmm16",   \
      "zmm17", "zmm18", "zmm19", "zmm20", "zmm21", "zmm22", "zmm23", "zmm24",  \
      "zmm25", "zmm26", "zmm27", "zmm28", "zmm29", "zmm30", "zmm31"
#define AG_YMM_CLOBBERS                                                        \
  "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8",      \
      "ymm9", "ymm10", "ymm11", "ymm12", "ymm13", "ymm14", "ymm15"
#define AG_24 "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23"
#define AG_12 "0,1,2,3,4,5,6,7,8,9,10,11"

// `step` accumulates a product of registers 30 and 31 into each of 24.
#define AG_ZMM_LOOP(broadcast, step, factors)                                  \
  asm volatile(broadcast                                                       \
               " (%1), %%zmm30\n\t" broadcast " %c2(%1), %%zmm31\n"            \
               ".irp r," AG_24 "\n\tvpxord %%zmm\\r, %%zmm\\r, %%zmm\\r\n"     \
               ".endr\n"                                                       \
               "1:\n.irp r," AG_24 "\n\t" step " %%zmm30, %%zmm31, %%zmm\\r\n" \
               ".endr\n\tdec %0\n\tjnz 1b"                                     \
               : "+r"(turns)                                                   \
               : "r"(factors), "i"(sizeof(factors[0]))                         \
               : AG_ZMM_CLOBBERS, "cc", "memory")

#define AG_YMM_LOOP(broadcast, step, factors)                                  \
  asm volatile(broadcast                                                       \
               " (%1), %%ymm14\n\t" broadcast " %c2(%1), %%ymm15\n"            \
               ".irp r," AG_12 "\n\tvxorps %%ymm\\r, %%ymm\\r, %%ymm\\r\n"     \
               ".endr\n"                                                       \
               "1:\n.irp r," AG_12 "\n\t" step " %%ymm14, %%ymm15, %%ymm\\r\n" \
               ".endr\n\tdec %0\n\tjnz 1b\n\tvzeroupper"                       \
               : "+r"(turns)                                                   \
               : "r"(factors), "i"(sizeof(factors[0]))                         \
               : AG_YMM_CLOBBERS, "cc", "memory")

__attribute__((target("avx512f"))) static void f32Avx512(long turns) {
  AG_ZMM_LOOP("vbroadcastss", "vfmadd231ps", factorsF32);
}

__attribute__((target("avx512f"))) static void f64Avx512(long turns) {
  AG_ZMM_LOOP("vbroadcastsd", "vfmadd231pd", factorsF64);
}

// The f32 factors are read as bf16 pairs.
__attribute__((target("avx512f"))) static void bf16Avx512(long turns) {
  AG_ZMM_LOOP("vbroadcastss", "vdpbf16ps", factorsF32);
}

__attribute__((target("avx2,fma"))) static void f32Avx2(long turns) {
  AG_YMM_LOOP("vbroadcastss", "vfmadd231ps", factorsF32);
}

__attribute__((target("avx2,fma"))) static void f64Avx2(long turns) {
  AG_YMM_LOOP("vbroadcastsd", "vfmadd231pd", factorsF64);
}

// A polynomial of degree 5, as compiled kernels have it. The turns do not
// depend on each other, so the units are busy with several at a time.
static const float exp2Table[8] = {
    0.3f,          1.0f,           0.693151295f,   0.240164593f,
    0.0557995141f, 0.00901748054f, 0.00186695263f, 12582912.0f};

__attribute__((target("avx512f,avx512dq"))) static void exp2Avx512(long turns) {
  asm volatile(".irp r,0,1,2,3,4,5,6\n"
               "\tvbroadcastss 4*\\r(%1), %%zmm1\\r\n.endr\n"
               "1:\n.rept 8\n"
               "\tvreduceps $9, %%zmm10, %%zmm0\n"
               "\tvmovaps %%zmm16, %%zmm1\n"
               ".irp r,5,4,3,2,1\n"
               "\tvfmadd213ps %%zmm1\\r, %%zmm0, %%zmm1\n.endr\n"
               "\tvscalefps %%zmm10, %%zmm1, %%zmm2\n"
               ".endr\n\tdec %0\n\tjnz 1b"
               : "+r"(turns)
               : "r"(exp2Table)
               : AG_ZMM_CLOBBERS, "cc", "memory");
}

__attribute__((target("avx2,fma"))) static void exp2Avx2(long turns) {
  asm volatile(".irp r,0,1,2,3,4,5\n"
               "\tvbroadcastss 4*\\r(%1), %%ymm1\\r\n.endr\n"
               "\tvbroadcastss 24(%1), %%ymm9\n"
               "\tvbroadcastss 28(%1), %%ymm8\n"
               "1:\n.rept 8\n"
               "\tvaddps %%ymm8, %%ymm10, %%ymm0\n"
               "\tvsubps %%ymm8, %%ymm0, %%ymm1\n"
               "\tvsubps %%ymm1, %%ymm10, %%ymm1\n"
               "\tvmovaps %%ymm9, %%ymm2\n"
               ".irp r,5,4,3,2,1\n"
               "\tvfmadd213ps %%ymm1\\r, %%ymm1, %%ymm2\n.endr\n"
               "\tvpslld $23, %%ymm0, %%ymm0\n"
               "\tvpaddd %%ymm0, %%ymm2, %%ymm2\n"
               ".endr\n\tdec %0\n\tjnz 1b\n\tvzeroupper"
               : "+r"(turns)
               : "r"(exp2Table)
               : AG_YMM_CLOBBERS, "cc", "memory");
}

/// Does the operating system let this process use tile registers?
static bool amxAllowed() {
  constexpr long requestPermission = 0x1023, tileData = 18;
  static const bool allowed =
      syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  return allowed;
}

static bool hasAmxBf16() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
    return false;
  bool bf16 = d >> 22 & 1, tile = d >> 24 & 1;
  return bf16 && tile && amxAllowed();
}

// Four accumulators and two operands on each side, all tiles 16 rows of 64
// bytes.
static void amxLoop(long turns) {
  struct alignas(64) {
    uint8_t palette = 1, startRow = 0, reserved[14] = {};
    uint16_t columnBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } config;
  alignas(64) float data[16][16];
  for (auto &row : data)
    for (float &x : row)
      x = 0.5f;
  long stride = 64;
  asm volatile("ldtilecfg (%1)\n"
               "\ttilezero %%tmm0\n\ttilezero %%tmm1\n"
               "\ttilezero %%tmm2\n\ttilezero %%tmm3\n"
               ".irp r,4,5,6,7\n\ttileloadd (%2,%3,1), %%tmm\\r\n.endr\n"
               "1:\n"
               "\ttdpbf16ps %%tmm6, %%tmm4, %%tmm0\n"
               "\ttdpbf16ps %%tmm7, %%tmm4, %%tmm1\n"
               "\ttdpbf16ps %%tmm6, %%tmm5, %%tmm2\n"
               "\ttdpbf16ps %%tmm7, %%tmm5, %%tmm3\n"
               "\tdec %0\n\tjnz 1b\n\ttilerelease"
               : "+r"(turns)
               : "r"(&config), "r"(&data), "r"(stride)
               : "cc", "memory");
}

std::optional<PeakLoop> peakLoop(Unit unit) {
  bool avx512 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  switch (unit) {
  case Unit::f32:
    if (avx512)
      return PeakLoop{f32Avx512, 24 * 16 * 2};
    if (avx2)
      return PeakLoop{f32Avx2, 12 * 8 * 2};
    return std::nullopt;
  case Unit::f64:
    if (avx512)
      return PeakLoop{f64Avx512, 24 * 8 * 2};
    if (avx2)
      return PeakLoop{f64Avx2, 12 * 4 * 2};
    return std::nullopt;
  case Unit::bf16:
    if (__builtin_cpu_supports("avx512bf16"))
      return PeakLoop{bf16Avx512, 24 * 32 * 2};
    return std::nullopt;
  case Unit::amxBf16:
    if (hasAmxBf16())
      return PeakLoop{amxLoop, 4 * 16 * 16 * 32 * 2};
    return std::nullopt;
  case Unit::exp2:
    if (avx512)
      return PeakLoop{exp2Avx512, 8 * 16};
    if (avx2)
      return PeakLoop{exp2Avx2, 8 * 8};
    return std::nullopt;
  case Unit::copy:
    return std::nullopt;
  }
  return std::nullopt;
}

} // namespace attn_grid::bench
#endif
