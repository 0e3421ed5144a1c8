#ifndef AG_RUNTIME_SIM_RUN_H
#define AG_RUNTIME_SIM_RUN_H
/// Runs a kernel: blocks on the host's threads, warps of a block in turns.

#include "runtime/sim/Warp.h"

namespace attn_grid::sim {

/// In which order the warps of a block take their turns. Kernels without races
/// compute the same in all of them.
enum class Order : uint8_t { forward, reverse, random };

struct RunOptions {
  Order order = Order::forward;
  unsigned hostThreads = 0; ///< 0: as many as there are
  /// Of a warp, so that every launch ends.
  uint64_t instructionLimit = uint64_t(1) << 32;

  /// AG_SIM_ORDER, AG_SIM_THREADS, AG_SIM_LIMIT.
  static RunOptions fromEnvironment();
};

/// What a launch did, and how much of it each instruction.
struct Counts {
  Counters all;
  std::vector<InstrCounters> perInstr; ///< as `Program::code`
};

/// Fills the special registers of a warp, one of `warpCount` of its block.
void fillSpecials(Warp &warp, uint32_t warpCount);

/// Runs all blocks. Throws `Fault` for a mistake that ends a launch.
Counts run(const Grid &grid, const RunOptions &options);

} // namespace attn_grid::sim

#endif
