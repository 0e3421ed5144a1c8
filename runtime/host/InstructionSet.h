#ifndef AG_RUNTIME_HOST_INSTRUCTIONSET_H
#define AG_RUNTIME_HOST_INSTRUCTIONSET_H
/// Which instruction sets this machine runs.

#include <string_view>

namespace attn_grid::detail {

/// Can code for `arch`, a name of `cpu_archs`, run here? The processor must
/// have the instructions and the system must save their registers.
bool machine_runs(std::string_view arch);

/// The same, but for code chosen now: the environment variable `AG_CPU_ARCH`
/// may name an instruction set beyond which none is taken, to compare and to
/// reproduce. Throws `KeyError` if it names none.
bool may_choose(std::string_view arch);

} // namespace attn_grid::detail

#endif
