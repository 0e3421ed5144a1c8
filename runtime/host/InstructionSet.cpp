#include "runtime/host/InstructionSet.h"
#include "attn_grid/error.hpp"
#include "attn_grid/target.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace attn_grid {
namespace detail {

#if defined(__x86_64__)

namespace {
struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};
} // namespace

static Registers ask(uint32_t leaf, uint32_t sub = 0) {
  Registers r;
  __get_cpuid_count(leaf, sub, &r.a, &r.b, &r.c, &r.d);
  return r;
}

/// The parts of the register file that the system saves.
static uint64_t enabled_state() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

/// The level of the x86-64 psABI: 1, 3 or 4.
static int level() {
  constexpr auto has = [](uint32_t found, uint32_t wanted) {
    return (found & wanted) == wanted;
  };
  Registers basic = ask(1), wide = ask(7), more = ask(0x80000001);
  // SSE3 SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT OSXSAVE AVX F16C
  constexpr uint32_t basic_c = 1u << 0 | 1u << 9 | 1u << 12 | 1u << 13 |
                               1u << 19 | 1u << 20 | 1u << 22 | 1u << 23 |
                               1u << 27 | 1u << 28 | 1u << 29;
  // BMI1 AVX2 BMI2
  constexpr uint32_t wide_b3 = 1u << 3 | 1u << 5 | 1u << 8;
  // AVX512 F DQ CD BW VL
  constexpr uint32_t wide_b4 =
      1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
  // LAHF LZCNT
  constexpr uint32_t more_c = 1u << 0 | 1u << 5;
  if (!has(basic.c, basic_c) || !has(wide.b, wide_b3) || !has(more.c, more_c))
    return 1;
  constexpr uint64_t sse_and_avx = 0x6, opmask_and_zmm = 0xe0;
  uint64_t state = enabled_state();
  if ((state & sse_and_avx) != sse_and_avx)
    return 1;
  bool zmm = (state & opmask_and_zmm) == opmask_and_zmm;
  return zmm && has(wide.b, wide_b4) ? 4 : 3;
}

/// Does the system let this process use tile registers? They are 8 KiB more to
/// save for each thread, so that Linux gives them to those that ask.
static bool may_use_tiles() {
  constexpr long request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

static bool has_bf16() {
  constexpr uint32_t avx512_bf16 = 1u << 5;
  return level() == 4 && ask(7).a >= 1 && (ask(7, 1).a & avx512_bf16) != 0;
}

static bool has_amx() {
  constexpr uint32_t amx_bf16 = 1u << 22, amx_tile = 1u << 24;
  constexpr uint64_t tile_state = 3u << 17;
  return has_bf16() && (ask(7).d & amx_bf16) != 0 &&
         (ask(7).d & amx_tile) != 0 &&
         (enabled_state() & tile_state) == tile_state && may_use_tiles();
}

} // namespace detail

bool machine_runs(std::string_view arch) {
  static const int level = detail::level();
  if (arch == "x86-64-v4-bf16") {
    static const bool bf16 = detail::has_bf16();
    return bf16;
  }
  // Only who wants tiles asks the system for them.
  if (arch == "x86-64-v4-amx") {
    static const bool amx = detail::has_amx();
    return amx;
  }
  return arch == "x86-64" || (arch == "x86-64-v3" && level >= 3) ||
         (arch == "x86-64-v4" && level >= 4);
}

#else
} // namespace detail

bool machine_runs(std::string_view arch) {
#if defined(__aarch64__)
  return arch == "aarch64";
#else
  static_cast<void>(arch);
  return false;
#endif
}
#endif

namespace detail {

bool may_choose(std::string_view arch) {
  const char *limit = std::getenv("AG_CPU_ARCH");
  if (limit && *limit) {
    const std::vector<std::string> &archs = cpu_archs();
    auto last = std::find(archs.begin(), archs.end(), limit);
    if (last == archs.end())
      throw KeyError(
          fmt::format("AG_CPU_ARCH names no instruction set: expected one of "
                      "{}, found `{:.32}`",
                      fmt::join(archs, ", "), limit));
    if (std::find(archs.begin(), archs.end(), arch) > last)
      return false;
  }
  return machine_runs(arch);
}

} // namespace detail
} // namespace attn_grid
