#ifndef AG_TOOLS_AG_BENCH_PEAKS_H
#define AG_TOOLS_AG_BENCH_PEAKS_H
/// What this machine can do at most, measured. Clocks change with load and
/// temperature, so every figure is divided by a peak measured beside it.

#include "tools/ag-bench/PeakLoops.h"

namespace attn_grid::bench {

/// The rate of a unit on `threads` threads at once, in operations (or bytes)
/// per second, from one short run of about `seconds`. 0 if the machine has no
/// such unit.
double measurePeak(Unit unit, int threads, double seconds = 0.001);

/// The unit that multiplies bf16 fastest: tiles, pairs in vectors, or f32.
Unit fastestBf16();

} // namespace attn_grid::bench

#endif
