#ifndef AG_COMPILER_CONVERSION_GPU_LOADAHEAD_H
#define AG_COMPILER_CONVERSION_GPU_LOADAHEAD_H
/// The tiles that a loop loads ahead of the iteration that reads them. Threads
/// copy them, or, where all can be had as boxes, the GPU does by itself.

#include "compiler/Conversion/Gpu/TensorBox.h"
#include "compiler/Conversion/Gpu/ThreadEmitter.h"

#include "llvm/ADT/SetVector.h"

namespace attn_grid::compiler::gpu {

struct Ring {
  mlir::scf::ForOp loop;
  /// What computes the loads' indices from the loop's variable, in order.
  llvm::SetVector<mlir::Operation *> chain;
  /// Each load, and its tile in the first buffer.
  llvm::SmallVector<std::pair<LoadOp, SharedTile>, 2> tiles;
  int64_t stages = 1; ///< buffers
  int64_t stageBytes = 0;
  SharedBlock block;
  /// Of each tile as boxes; empty if threads copy.
  llvm::SmallVector<BoxLoad, 2> boxes;
  SharedBlock barriers; ///< one for each stage, or tile if they take turns
  bool copiesBoxes() const { return !boxes.empty(); }
  /// With one stage, an iteration waits for its own tiles, which the GPU copies
  /// in fewer instructions.
  bool isUsed() const { return stages > 1 || copiesBoxes(); }
  /// Then each tile may be copied for the next iteration once it has been read,
  /// while the program goes on with the others: if every iteration reads all.
  bool takesTurns = false;
  mlir::Value next, upper, parity; ///< of the present iteration, in turns
  int64_t barrierCount() const {
    return takesTurns ? static_cast<int64_t>(tiles.size()) : stages;
  }
};

} // namespace attn_grid::compiler::gpu

#endif
