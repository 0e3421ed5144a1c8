#ifndef AG_COMPILER_CONVERSION_CPU_LANEAXIS_H
#define AG_COMPILER_CONVERSION_CPU_LANEAXIS_H
/// Which axis of a tile lies in vector lanes.
///
/// Elementwise operations, dots, reductions and loop-carried values tie axes
/// of different tiles together: the rows of the queries are the rows of the
/// scores, of the probabilities and of the output. Axes tied so form a class.
/// A class that is free in dots (never contracted, never reduced) can stay in
/// lanes from the load to the store, without a shuffle: in a forward attention
/// kernel that is the query axis. So classes are ranked: by the number of dots
/// in which they are free; then by how often they are contiguous in memory.
/// Kernels without dots thereby vectorise along the fastest axis, as usual.

#include "dialect/AgOps.h"

#include "llvm/ADT/DenseMap.h"

namespace attn_grid::compiler::cpu {

class LaneAxis {
public:
  /// `lanes` is the number of 32-bit lanes of the target's vectors.
  LaneAxis(ir::KernelOp kernel, int64_t lanes);

  /// The axis of the tile `value` that lies in lanes.
  int64_t of(mlir::Value value) const;

private:
  struct Class {
    int freeInDots = 0;
    int contiguous = 0;
    bool reduced = false; // or contracted
  };
  int64_t id(mlir::Value value, int64_t axis);
  int64_t find(int64_t id) const;
  void unite(mlir::Value a, int64_t axisA, mlir::Value b, int64_t axisB);
  void uniteAll(mlir::Value a, mlir::Value b);
  void visit(mlir::Operation *op);
  void visitAccess(mlir::Value tile, mlir::Value tensor,
                   llvm::ArrayRef<int64_t> extents);
  int64_t score(int64_t id) const;

  int64_t lanes;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, int64_t> ids;
  mutable std::vector<int64_t> parents;
  std::vector<std::pair<mlir::Value, int64_t>> freeAxes, contiguousAxes,
      reducedAxes;
  llvm::DenseMap<int64_t, Class> classes; // by root
};

} // namespace attn_grid::compiler::cpu

#endif
