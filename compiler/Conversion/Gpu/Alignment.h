#ifndef AG_COMPILER_CONVERSION_GPU_ALIGNMENT_H
#define AG_COMPILER_CONVERSION_GPU_ALIGNMENT_H
/// What is known about the places of memory accesses: which axis has
/// neighbours, and how many of them one instruction may touch.

#include "dialect/AgOps.h"

namespace attn_grid::compiler::gpu {

/// Whether `insideAttr` of an access lists dimension `d`.
bool isKnownInside(mlir::Operation *op, int64_t d);

/// A number that divides `value` (an i32); 0 if `value` is 0.
int64_t knownDivisor(mlir::Value value, int depth = 8);

/// The axis of an access's tile along which elements lie side by side, or -1.
int64_t unitStrideAxis(mlir::Value tensor, llvm::ArrayRef<int64_t> extents,
                       mlir::OperandRange steps);

/// How many elements along the axis `unit` of a load or store one instruction
/// may touch: those lie inside the tensor together, or outside together, and
/// the first is aligned.
int64_t vectorElements(ir::LoadOp op, int64_t unit);
int64_t vectorElements(ir::StoreOp op, int64_t unit);

/// Whether groups of `bytes` along the axis `unit` are aligned; the last of a
/// row may reach beyond it.
bool startsAligned(ir::LoadOp op, int64_t unit, int64_t bytes);

} // namespace attn_grid::compiler::gpu

#endif
