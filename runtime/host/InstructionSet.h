#ifndef AG_RUNTIME_HOST_INSTRUCTIONSET_H
#define AG_RUNTIME_HOST_INSTRUCTIONSET_H
/// Which of the instruction sets that this machine runs is taken.

#include <string_view>

namespace attn_grid::detail {

/// `machine_runs`, but for code chosen now: the environment variable
/// `AG_CPU_ARCH` may name an instruction set beyond which none is taken, to
/// compare and to reproduce. Throws `KeyError` if it names none.
bool may_choose(std::string_view arch);

} // namespace attn_grid::detail

#endif
