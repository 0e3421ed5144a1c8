#ifndef AG_COMPILER_CONVERSION_CPU_DEMAND_H
#define AG_COMPILER_CONVERSION_CPU_DEMAND_H
/// How much of a padded tile matters.
///
/// A head of 80 elements lies in a tile of 128. The compiler knows the 80: it
/// is the static extent of the tensor that the tile is stored to. Going
/// backwards from stores, reductions and dots, each tile's axis is *demanded*
/// up to an extent; what lies beyond is neither computed nor stored. Going
/// forwards from loads, each axis holds only zeros beyond its *filled* extent;
/// a dot contracts no further than both its operands are filled, but by whole
/// steps of the instruction that it becomes.

#include "dialect/AgOps.h"

#include "llvm/ADT/DenseMap.h"

namespace attn_grid::compiler::cpu {

class Demand {
public:
  /// Dots of bf16 factors go `bf16Products` elements at a time.
  Demand(ir::KernelOp kernel, int64_t bf16Products);

  /// Elements [0, demanded) of `axis` are all that is ever read of `value`.
  int64_t demanded(mlir::Value value, int64_t axis) const;

  /// Elements from here on along `axis` are zero in `value`.
  static int64_t filled(mlir::Value value, int64_t axis);

  /// How far `dot` has to contract.
  int64_t contracted(ir::DotOp dot) const;

private:
  bool demand(mlir::Value value, llvm::ArrayRef<int64_t> extents);
  bool demandAll(mlir::Value value);
  bool visit(mlir::Operation *op);
  llvm::SmallVector<int64_t> of(mlir::Value value) const;

  int64_t bf16Products;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t, 4>> extents;
};

} // namespace attn_grid::compiler::cpu

#endif
