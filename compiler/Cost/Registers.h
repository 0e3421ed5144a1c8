#ifndef AG_COMPILER_COST_REGISTERS_H
#define AG_COMPILER_COST_REGISTERS_H
/// How many registers a GPU's kernel needs, before `ptxas` says so.

namespace llvm {
class Module;
} // namespace llvm

namespace attn_grid::compiler {

/// The most 32-bit registers of one thread that hold values at once in a
/// module's functions, in the order that optimised LLVM IR has. `ptxas` finds
/// other orders; see docs/cost-model.md for how far apart they are.
unsigned estimateRegisters(llvm::Module &module);

} // namespace attn_grid::compiler

#endif
