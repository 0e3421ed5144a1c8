#include "runtime/sim/Ops.h"

namespace attn_grid::sim {

const OpTable &opTable() {
  static const OpTable table = [] {
    OpTable made;
    auto addAll = [&](auto... parts) { (parts(made), ...); };
    if (__builtin_cpu_supports("x86-64-v3"))
      addAll(avx2::addIntegerOps, avx2::addFloatOps, avx2::addConvertOps,
             avx2::addWarpOps);
    else
      addAll(baseline::addIntegerOps, baseline::addFloatOps,
             baseline::addConvertOps, baseline::addWarpOps);
    return made;
  }();
  return table;
}

} // namespace attn_grid::sim
