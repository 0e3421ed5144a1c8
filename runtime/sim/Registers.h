#ifndef AG_RUNTIME_SIM_REGISTERS_H
#define AG_RUNTIME_SIM_REGISTERS_H
/// Which registers of a warp have been written, lane by lane. Compilers move
/// registers that nothing was written to (what they hold does not matter in the
/// end), so a move only passes on that nothing was; any other use is reported.

#include "runtime/sim/Warp.h"

namespace attn_grid::sim {

/// Registers have at least 64 bytes: predicates have.
inline size_t registerOf(Slot slot) { return slot / 64; }

/// For each register, the lanes that hold something when a warp starts: all of
/// constants and special registers, none of others.
std::vector<uint32_t> registersAtStart(const Program &program);

/// Before an instruction runs for the lanes of `mask`, of which its guard chose
/// those from `active`.
void checkRegisters(Warp &warp, const Instr &instr, uint32_t mask,
                    uint32_t active);

} // namespace attn_grid::sim

#endif
