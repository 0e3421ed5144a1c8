#ifndef AG_COMPILER_CONVERSION_PHILOX_H
#define AG_COMPILER_CONVERSION_PHILOX_H
/// Philox 4x32-10 as arithmetic, for scalars and vectors of lanes.

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn_grid::compiler {

/// The value of `ag.philox` at its operands, of which some may be vectors of
/// one length.
mlir::Value emitPhilox(mlir::ImplicitLocOpBuilder &b,
                       llvm::ArrayRef<mlir::Value> operands);

} // namespace attn_grid::compiler

#endif
