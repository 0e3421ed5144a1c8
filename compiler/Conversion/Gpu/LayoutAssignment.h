#ifndef AG_COMPILER_CONVERSION_GPU_LAYOUTASSIGNMENT_H
#define AG_COMPILER_CONVERSION_GPU_LAYOUTASSIGNMENT_H
/// The layout that each tile of a kernel is computed in.
///
/// Anchors have layouts of their own: loads and gathers (coalesced), dots (the
/// matrix instruction's), scans and sorts (along their axis). What is computed
/// from them follows its strongest operand; what a loop carries follows what
/// its body yields. What depends on no anchor (iotas, constants, masks of
/// positions) has none: it is computed again in any layout that a reader wants.

#include "compiler/Conversion/Gpu/LowerToThreads.h"
#include "dialect/TileLayout.h"

#include "llvm/ADT/DenseMap.h"

namespace mlir::scf {
class ForOp;
class IfOp;
class WhileOp;
} // namespace mlir::scf

namespace attn_grid::compiler::gpu {

/// Whether a dot is done by the matrix unit.
bool usesMatrixUnit(DotOp op, const GpuTarget &target);

/// Whether a value can be computed at any place, in any layout, again.
bool isRecomputable(mlir::Operation *op);

class LayoutAssignment {
public:
  LayoutAssignment(KernelOp kernel, const GpuTarget &target);

  /// The layout of a tile, or null if any will do.
  const LinearLayout *find(mlir::Value tile) const;
  /// Every thread has the one element.
  LinearLayout ofScalars() const;
  /// A layout for a tile without one.
  LinearLayout fallback(mlir::Type tile) const;
  /// The layout of a scan's or a sort's tiles.
  LinearLayout along(mlir::Type tile, unsigned axis) const;

private:
  /// Anchors by how dear it is to move away from them.
  enum Strength { none, memory, axis, matrix };
  struct Choice {
    LinearLayout layout;
    Strength strength = none;
  };

  void visit(mlir::Block &block);
  void pullBack(mlir::Block &block);
  void visit(mlir::Operation *op);
  void visitFor(mlir::scf::ForOp op);
  void visitIf(mlir::scf::IfOp op);
  void visitWhile(mlir::scf::WhileOp op);
  bool isReduced(llvm::ArrayRef<int64_t> shape, unsigned axis) const;
  Choice get(mlir::Value value) const;
  void set(mlir::Value value, const Choice &choice);
  Choice stronger(const Choice &a, const Choice &b) const;
  Choice ofLoad(LoadOp op) const;
  Choice ofDot(DotOp op) const;

  GpuTarget target;
  unsigned warpBits;
  llvm::SmallVector<ir::ReduceOp> reductions;
  llvm::SmallVector<ir::StoreOp> stores;
  llvm::DenseMap<mlir::Value, Choice> choices;
};

} // namespace attn_grid::compiler::gpu

#endif
