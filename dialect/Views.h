#ifndef AG_DIALECT_VIEWS_H
#define AG_DIALECT_VIEWS_H
/// Tensors and views of them, as kernels name them: `memref.reinterpret_cast`
/// of an argument, and `memref.subview` of those.

#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include "llvm/ADT/SmallBitVector.h"

namespace attn_grid::ir {

/// Which dimensions of its source a view drops.
llvm::SmallBitVector droppedDims(mlir::memref::SubViewOp view);

/// The sizes of a tensor, a value or a constant each; none if it is made in
/// another way.
llvm::SmallVector<mlir::OpFoldResult> sizesOf(mlir::Value tensor);

/// The i32 whose value is the size of dimension `d`; null if there is none.
mlir::Value sizeValueOf(mlir::Value tensor, int64_t d);

} // namespace attn_grid::ir

#endif
