#ifndef AG_TOOLS_AG_BENCH_PEAKLOOPS_H
#define AG_TOOLS_AG_BENCH_PEAKLOOPS_H
/// Loops that do nothing but what a unit of the processor does best. They are
/// written in assembly, so that no compiler's mood is measured, and chosen by
/// what the processor says it has.

#include <optional>

namespace attn_grid::bench {

/// What a figure is compared with.
enum class Unit {
  f32,     ///< fused multiply-adds of f32
  f64,     ///< fused multiply-adds of f64
  bf16,    ///< dot products of bf16 pairs in vectors
  amxBf16, ///< products of bf16 tiles
  exp2,    ///< exponentials of f32
  copy,    ///< bytes read plus bytes written by a copy
};

/// The name in tables: "f32", "amx", ...
const char *nameOf(Unit unit);

/// A loop and what one turn of it does.
struct PeakLoop {
  void (*run)(long turns);
  double workPerTurn; ///< floating-point operations, or exponentials
};

/// The fastest loop for a unit of this machine, or nothing if it has none.
/// `copy` has none.
std::optional<PeakLoop> peakLoop(Unit unit);

} // namespace attn_grid::bench

#endif
