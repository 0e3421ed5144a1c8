#ifndef AG_DIALECT_VERIFY_H
#define AG_DIALECT_VERIFY_H
/// Checks that several verifiers share.

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace attn_grid::ir {

/// The largest number of elements of a tile.
inline constexpr int64_t maxTileElements = int64_t(1) << 20;

/// Checks what every tile obeys: each extent a power of two, at most
/// `maxTileElements` elements. Scalars pass. `name` is the operand's ODS name.
llvm::LogicalResult verifyTile(mlir::Operation *op, llvm::StringRef name,
                               mlir::Type type);

/// The shape of a scalar or tile: empty for a scalar.
llvm::ArrayRef<int64_t> shapeOf(mlir::Type type);

/// `acc<T>`: the type that sums of `element` have.
mlir::Type accumulatorType(mlir::Type element);

/// `[64, 128]`, as messages show a shape.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

} // namespace attn_grid::ir

#endif
