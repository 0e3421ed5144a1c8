#ifndef AG_RUNTIME_SIM_RESULTS_H
#define AG_RUNTIME_SIM_RESULTS_H
/// What is done with the results of instructions beside keeping them: it is
/// said where a NaN or an infinity first appears, and approximate functions are
/// as wrong as a GPU's may be. Both only if asked for.

#include "runtime/sim/Warp.h"

namespace attn_grid::sim {

/// Sets `result`, `operand` and `errorBits` of an instruction by its name.
void describeResult(Instr &instr, std::string_view opcode);

/// The lanes in which all operands are finite, of those of `mask`.
uint32_t finiteOperands(Warp &w, const Instr &instr, uint32_t mask);
/// Reports a result that is not finite though its operands, in `lanes`, were.
void reportNotFinite(Warp &w, const Instr &instr, uint32_t lanes);
/// Moves results by up to the error that the manual of PTX allows.
void perturb(Warp &w, const Instr &instr, uint32_t mask);

} // namespace attn_grid::sim

#endif
