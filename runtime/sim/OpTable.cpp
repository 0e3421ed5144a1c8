#include "runtime/sim/Ops.h"

namespace attn_grid::sim {

const OpTable &opTable() {
  static const OpTable table = [] {
    OpTable made;
    if (__builtin_cpu_supports("x86-64-v3"))
      avx2::addOps(made);
    else
      baseline::addOps(made);
    return made;
  }();
  return table;
}

} // namespace attn_grid::sim
