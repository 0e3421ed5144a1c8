#ifndef AG_COMPILER_CONVERSION_GPU_GLOBALMEMORY_H
#define AG_COMPILER_CONVERSION_GPU_GLOBALMEMORY_H
/// Single loads and stores of global memory, under a condition.

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn_grid::compiler::gpu {

/// Reads `count` elements that lie side by side, aligned to all of them. Where
/// `mask` (null: true) is false, nothing is read and they are 0. `invariant`:
/// nobody writes them while the kernel runs.
llvm::SmallVector<mlir::Value> readGlobal(mlir::ImplicitLocOpBuilder &b,
                                          mlir::Value pointer, mlir::Value mask,
                                          mlir::Type element, unsigned count,
                                          bool invariant);

/// Writes `elements` side by side, unless `mask` is false.
void writeGlobal(mlir::ImplicitLocOpBuilder &b, mlir::Value pointer,
                 mlir::Value mask, llvm::ArrayRef<mlir::Value> elements);

} // namespace attn_grid::compiler::gpu

#endif
