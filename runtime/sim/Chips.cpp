#include "runtime/sim/Chips.h"

#include <cstdlib>

namespace attn_grid::sim {

// Shared memory and threads: CUDA C++ Programming Guide, "Technical
// Specifications per Compute Capability". Multiprocessors, caches and clocks:
// the data sheets of A100, A10, L40, H100 SXM, B200, RTX PRO 6000.
static constexpr Chip table[] = {
    {"sm_80", "Simulated A100 (sm_80)", 8, 0, 108, 166912, 167936, 2048,
     40 << 20, 1410000},
    {"sm_86", "Simulated A10 (sm_86)", 8, 6, 72, 101376, 102400, 1536, 6 << 20,
     1695000},
    {"sm_89", "Simulated L40 (sm_89)", 8, 9, 142, 101376, 102400, 1536,
     96 << 20, 2490000},
    {"sm_90a", "Simulated H100 (sm_90a)", 9, 0, 132, 232448, 233472, 2048,
     50 << 20, 1980000},
    {"sm_100a", "Simulated B200 (sm_100a)", 10, 0, 148, 232448, 233472, 2048,
     126 << 20, 1965000},
    {"sm_120", "Simulated RTX PRO 6000 (sm_120)", 12, 0, 188, 101376, 102400,
     1536, 128 << 20, 2617000},
};

std::span<const Chip> chips() { return table; }

const Chip *findChip(std::string_view target) {
  for (const Chip &chip : table)
    if (target == chip.target)
      return &chip;
  return nullptr;
}

const Chip *chipFromEnvironment() {
  const char *name = std::getenv("AG_SIM_ARCH");
  return findChip(name && *name ? name : "sm_80");
}

} // namespace attn_grid::sim
