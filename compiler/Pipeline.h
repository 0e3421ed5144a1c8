#ifndef AG_COMPILER_PIPELINE_H
#define AG_COMPILER_PIPELINE_H
/// The order of passes, one function per phase and kind of target.
/// compiler/README.md says what holds after each.

#include "mlir/Pass/PassManager.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace attn_grid::compiler {

struct CpuTarget;
struct GpuArch;

/// Registers what a context needs to go through all phases.
void registerPipelineDialects(mlir::DialectRegistry &registry);

/// ag -> ag: masks become bounds and branches, invariants leave loops.
void addTilePhase(mlir::OpPassManager &passes);

/// ag -> vectors, loops and addresses, for a CPU.
void addVectorPhase(mlir::OpPassManager &passes, const CpuTarget &cpu);

/// ag -> what one thread of a GPU does: scalars, loops and addresses.
void addThreadPhase(mlir::OpPassManager &passes, const GpuArch &gpu);

/// vectors, scalars, loops and addresses -> the LLVM dialect.
void addLLVMPhase(mlir::OpPassManager &passes);

} // namespace attn_grid::compiler

#endif
