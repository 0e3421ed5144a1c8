#ifndef AG_COMPILER_CONVERSION_GPU_INTRINSICS_H
#define AG_COMPILER_CONVERSION_GPU_INTRINSICS_H
/// LLVM's NVPTX intrinsics by name, and inline PTX where there are none.

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn_grid::compiler::gpu {

/// Calls `name`; gives its result, none if `result` is null.
mlir::Value callIntrinsic(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name,
                          mlir::Type result, mlir::ValueRange operands);

/// PTX text with LLVM's placeholders and constraints.
mlir::Value inlinePtx(mlir::ImplicitLocOpBuilder &b, llvm::StringRef text,
                      llvm::StringRef constraints, mlir::Type result,
                      mlir::ValueRange operands, bool sideEffects);

/// Member `index` of a struct.
mlir::Value member(mlir::ImplicitLocOpBuilder &b, mlir::Value structure,
                   int64_t index);
/// A struct type of `count` times `type`.
mlir::Type structOf(mlir::Type type, unsigned count);

/// Scalars of one type as one vector, and back.
mlir::Value packVector(mlir::ImplicitLocOpBuilder &b,
                       llvm::ArrayRef<mlir::Value> elements);
llvm::SmallVector<mlir::Value> unpackVector(mlir::ImplicitLocOpBuilder &b,
                                            mlir::Value vector);
/// The same bits as another type.
mlir::Value bitcastTo(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                      mlir::Type type);

} // namespace attn_grid::compiler::gpu

#endif
