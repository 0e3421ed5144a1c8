// AArch64, and the answer for processors that nobody wrote a loop for.

#include "tools/ag-bench/PeakLoops.h"

#if !defined(__x86_64__)
namespace attn_grid::bench {

#if defined(__aarch64__)
// 24 accumulators of 128 bits, two operands that are not 0.
#define AG_NEON_LOOP(lanes)                                                    \
  asm volatile("fmov v30." lanes ", #0.5\n\tfmov v31." lanes ", #1.0\n"        \
               ".irp r," AG_24 "\n\tmovi v\\r\\().2d, #0\n.endr\n"             \
               "1:\n.irp r," AG_24 "\n\tfmla v\\r\\()." lanes ", v30." lanes   \
               ", v31." lanes "\n.endr\n\tsubs %0, %0, #1\n\tb.ne 1b"          \
               : "+r"(turns)                                                   \
               :                                                               \
               : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",   \
                 "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",       \
                 "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31", "cc")
#define AG_24 "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23"

static void f32Neon(long turns) { AG_NEON_LOOP("4s"); }

static void f64Neon(long turns) { AG_NEON_LOOP("2d"); }

std::optional<PeakLoop> peakLoop(Unit unit) {
  if (unit == Unit::f32)
    return PeakLoop{f32Neon, 24 * 4 * 2};
  if (unit == Unit::f64)
    return PeakLoop{f64Neon, 24 * 2 * 2};
  return std::nullopt;
}
#else
std::optional<PeakLoop> peakLoop(Unit) { return std::nullopt; }
#endif

} // namespace attn_grid::bench
#endif
